// Generates the Prisma client from prisma/schema.prisma, without network, and only when the schema or Prisma changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const schema = join(root, 'prisma', 'schema.prisma');
const client = join(root, 'packages', 'persistence', 'src', 'generated', 'client.ts');
const stamp = join(root, '.cache', 'generate.sha256');

const prismaPackage = createRequire(import.meta.url).resolve('prisma/package.json');
const { bin } = JSON.parse(readFileSync(prismaPackage, 'utf8'));
const hash = createHash('sha256').update(readFileSync(schema)).update(readFileSync(prismaPackage)).digest('hex');

if (existsSync(client) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) process.exit(0);

const result = spawnSync(
  process.execPath,
  [join(dirname(prismaPackage), bin.prisma), 'generate', '--schema', schema, '--no-hints'],
  {
    cwd: root,
    encoding: 'utf8',
    env: {
      ...process.env,
      // `generate` does not run the schema engine, but downloads it unless told where one is: any existing file will do.
      PRISMA_SCHEMA_ENGINE_BINARY: fileURLToPath(import.meta.url),
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  },
);
if (result.status !== 0) {
  process.stderr.write(result.stdout + result.stderr);
  process.exit(1);
}
mkdirSync(dirname(stamp), { recursive: true });
writeFileSync(stamp, hash);
