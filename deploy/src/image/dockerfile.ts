export interface Instruction {
  /** `RUN`, `COPY` … */
  name: string;
  /** What follows, flags taken off, on one line. */
  text: string;
  flags: Readonly<Record<string, string>>;
}

export interface Stage {
  name: string;
  /** An image, or the name of another stage. */
  from: string;
  instructions: Instruction[];
}

/** Reads the instructions this project uses: no heredocs, no escapes but the one at a line's end. */
export function parseDockerfile(text: string): { args: Record<string, string>; stages: Stage[] } {
  const args: Record<string, string> = {};
  const stages: Stage[] = [];
  for (const line of text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')) {
    if (line.trim() === '') continue;
    const { name, text: rest, flags } = instructionOf(line.trim());
    if (name === 'ARG' && stages.length === 0) {
      const [key = '', value = ''] = rest.split('=');
      args[key] = value;
    } else if (name === 'FROM') {
      const [image = '', , alias = `${stages.length}`] = rest.split(/\s+/);
      const from = image.replaceAll(/\$\{(\w+)\}/g, (_all, key: string) => args[key] ?? '');
      stages.push({ name: alias, from, instructions: [] });
    } else {
      stages.at(-1)?.instructions.push({ name, text: rest, flags });
    }
  }
  return { args, stages };
}

function instructionOf(line: string): Instruction {
  const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
  const flags: Record<string, string> = {};
  let text = rest;
  for (let flag = /^--([a-z-]+)=(\S+)\s+/.exec(text); flag !== null; flag = /^--([a-z-]+)=(\S+)\s+/.exec(text)) {
    flags[flag[1] ?? ''] = flag[2] ?? '';
    text = text.slice(flag[0].length);
  }
  return { name: name.toUpperCase(), text, flags };
}
