import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import packageJson from '../../package.json' with { type: 'json' };

const run = promisify(execFile);
const chromiumPackage = '@sparticuz/chromium';

/**
 * A headless Chromium: the one that CHROMIUM_PATH names, else the one that an npm package carries (Linux on x64), with the
 * shared libraries it needs, unpacked once into `cacheDir`. Nothing is downloaded but packages of the lockfile.
 */
export async function launchChromium(cacheDir: string, env: NodeJS.ProcessEnv): Promise<Browser> {
  const own = env['CHROMIUM_PATH'];
  if (own) return chromium.launch({ executablePath: own, args });
  const folder = join(cacheDir, `chromium-${packageJson.devDependencies[chromiumPackage]}`);
  const executablePath = join(folder, 'chromium');
  const there = await access(executablePath).then(
    () => true,
    () => false,
  );
  if (!there) await unpack(folder);
  return chromium.launch({
    executablePath,
    args,
    env: { ...env, LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') } as Record<string, string>,
  });
}

/** Tests run as root in containers, where Chromium's own sandbox cannot be set up; it opens nothing but our pages. */
const args = ['--no-sandbox', '--disable-dev-shm-usage'];

/** The package unpacks into the folder for temporary files of its process; the folder appears when it is complete. */
async function unpack(folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}.unpack-`);
  const program = `import chromium from '${chromiumPackage}'; await chromium.executablePath();`;
  try {
    await run(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: import.meta.dirname,
      // So it knows that the libraries are wanted too.
      env: {
        ...process.env,
        TMPDIR: work,
        AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${process.versions.node.split('.')[0]}.x`,
      },
    });
    await rename(work, folder).catch(async (error: NodeJS.ErrnoException) => {
      // Another process was faster; its copy is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
