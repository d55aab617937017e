// An effect in doubt is sent again under a new key, without asking the provider what became of it.
import { plant } from './plant.ts';

plant([
  {
    module: 'packages/queue/src/effects/run-effect.ts',
    replace: [
      [
        'return effect.fresh ? this.#recallOrSend(effect) : this.#reconcile(effect);',
        "return effect.fresh ? this.#send(effect) : this.#sendAgain(effect, 'send_anew', true);",
      ],
    ],
  },
]);
