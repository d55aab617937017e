import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { chart, root } from './tools/paths.ts';

const pages = (
  await Promise.all(
    ['docs/deploy', 'docs/runbooks'].map(async (folder) =>
      (await readdir(join(root, folder))).map((file) => join(folder, file)),
    ),
  )
).flat();

/** `#who-gets-which-secret` of `## Who gets which secret`, as GitHub makes it. */
function anchors(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe.each(pages)('%s', (page) => {
  test('links to pages and headings that are there', async () => {
    const text = await readFile(join(root, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? join(root, page) : join(root, dirname(page), path);
      expect(existsSync(file), target).toBe(true);
      if (anchor !== undefined) expect(anchors(await readFile(file, 'utf8')), target).toContain(anchor);
    }
  });

  test('names files of the repository that are there', async () => {
    const text = await readFile(join(root, page), 'utf8');
    for (const [path] of text.matchAll(/(?<![./\w])(k8s|helm|docs|deploy)\/[\w./-]+\.(ya?ml|md|json)\b/g)) {
      if (!/mine\//.test(path)) expect(existsSync(join(root, path)), path).toBe(true);
    }
  });
});

test('the runbooks’ index lists every page', async () => {
  const index = await readFile(join(root, 'docs/runbooks/README.md'), 'utf8');
  for (const page of await readdir(join(root, 'docs/runbooks'))) {
    if (page !== 'README.md') expect(index).toContain(`(${page})`);
  }
});

test('every value of the chart is in its README', async () => {
  const values = parse(await readFile(join(chart, 'values.yaml'), 'utf8')) as Record<string, object>;
  const readme = await readFile(join(chart, 'README.md'), 'utf8');
  const documented = [...readme.matchAll(/`([a-zA-Z]+)`/g)].map(([, name]) => name);
  for (const name of [...Object.keys(values), ...Object.keys(values['defaults'] ?? {})])
    expect(documented).toContain(name);
});
