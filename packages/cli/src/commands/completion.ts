import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { UsageError } from '../exit-codes.ts';

/**
 * Completion from the commands themselves. By hand: the library for it (@bomb.sh/tab) is at 0.0.x, and the words are
 * fixed once the program is built.
 */
export function addCompletionCommand(program: Command, context: Context): void {
  program
    .command('completion <shell>')
    .description('print a completion script for bash, zsh or fish')
    .addHelpText('after', '\nExamples:\n  source <(queuectl completion bash)\n  queuectl completion fish | source')
    .action((shell: string) => {
      const write = shells[shell];
      if (write === undefined) throw new UsageError(`${shell} is not one of ${Object.keys(shells).join(', ')}`);
      context.print(write(words(program)));
    });
}

/** What may follow: by the words before it, joined by spaces (nothing, `jobs`, `jobs add`). */
type Words = ReadonlyMap<string, readonly string[]>;

function words(program: Command): Words {
  const found = new Map<string, readonly string[]>();
  const visit = (command: Command, path: string) => {
    const names = command.commands.map((child) => child.name());
    const options = command.options.flatMap((option) => option.long ?? []);
    found.set(path, [...names, ...options, '--help']);
    for (const child of command.commands) visit(child, `${path} ${child.name()}`.trim());
  };
  visit(program, '');
  return found;
}

const cases = (all: Words, line: (path: string, next: string) => string) =>
  [...all].map(([path, next]) => line(path, next.join(' '))).join('\n');

const bash = (all: Words) => `_queuectl() {
  local path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do [[ $word == -* ]] || path="\${path:+$path }$word"; done
  local next=""
  while :; do
    case "$path" in
${cases(all, (path, next) => `      "${path}") next="${next}"; break ;;`)}
    esac
    [[ $path == *" "* ]] && path="\${path% *}" || path=""
  done
  COMPREPLY=($(compgen -W "$next" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _queuectl queuectl kubectl-queue`;

const fish = (all: Words) =>
  [...all]
    .flatMap(([path, next]) => {
      const seen =
        path === ''
          ? '__fish_use_subcommand'
          : path
              .split(' ')
              .map((word) => `__fish_seen_subcommand_from ${word}`)
              .join('; and ');
      return next.map((word) =>
        word.startsWith('--')
          ? `complete -c queuectl -n '${seen}' -l ${word.slice(2)}`
          : `complete -c queuectl -f -n '${seen}' -a ${word}`,
      );
    })
    .join('\n');

const shells: Readonly<Record<string, (all: Words) => string>> = {
  bash,
  // zsh runs bash's completions.
  zsh: (all) => `autoload -U +X bashcompinit && bashcompinit\n${bash(all)}`,
  fish,
};
