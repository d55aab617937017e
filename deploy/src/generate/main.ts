import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { kustomizations } from '../tools/paths.ts';
import { generateKustomizations } from './kustomizations.ts';

const files = await generateKustomizations();
await rm(join(kustomizations, 'base'), { recursive: true, force: true });
await rm(join(kustomizations, 'ops'), { recursive: true, force: true });
for (const [path, content] of files) {
  const file = join(kustomizations, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}
console.log(`${files.size} files below k8s/`);
