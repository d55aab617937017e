import { cp, mkdir, readFile, rename, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { output } from '../tools/run.ts';
import { copyBuildContext } from './build-context.ts';
import { type Instruction, parseDockerfile, type Stage } from './dockerfile.ts';

/** These change the system of the image, which is not ours to change here; the rest is run as it stands. */
const OF_THE_SYSTEM = /^(npm install --global|apt-get |install --directory)/;

export interface BuiltImage {
  /** What the image holds in /app. */
  app: string;
  /** The RUN commands that were run. */
  commands: string[];
}

/**
 * Builds the image's /app without Docker: every stage is a folder, COPY copies, RUN runs in it. Proves that the commands
 * work and that nothing is missing; proves nothing about the base image.
 */
export async function buildWithoutDocker(root: string, folder: string): Promise<BuiltImage> {
  const { stages } = parseDockerfile(await readFile(join(root, 'Dockerfile'), 'utf8'));
  const commands: string[] = [];
  for (const stage of stages) {
    const app = join(folder, stage.name, 'app');
    await mkdir(app, { recursive: true });
    if (stages.some(({ name }) => name === stage.from)) await copyTree(join(folder, stage.from, 'app'), app);
    for (const instruction of stage.instructions) {
      if (instruction.name === 'COPY') await copy(root, folder, app, instruction);
      if (instruction.name !== 'RUN' || OF_THE_SYSTEM.test(instruction.text)) continue;
      await output('sh', ['-c', instruction.text], { cwd: app });
      commands.push(instruction.text);
    }
  }
  return { app: join(folder, (stages.at(-1) as Stage).name, 'app'), commands };
}

function copyTree(from: string, to: string): Promise<void> {
  return cp(from, to, { recursive: true, verbatimSymlinks: true });
}

async function copy(root: string, folder: string, app: string, { text, flags }: Instruction): Promise<void> {
  const [source = '', target = ''] = text.split(/\s+/);
  if (flags['from'] === undefined) return copyBuildContext(root, app);
  const to = join(app, target);
  if (source === '/app') {
    // Nothing reads the whole of a stage a second time, so it may be moved: a copy of all dependencies takes long.
    await rmdir(app);
    return rename(join(folder, flags['from'], source), app);
  }
  await mkdir(dirname(to), { recursive: true });
  await copyTree(join(folder, flags['from'], source), to);
}
