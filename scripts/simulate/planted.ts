import { type PlantedFault, plant } from '../chaos/planted/plant.ts';

const queue = 'packages/queue/src';
const stripe = 'apps/worker-money/src/stripe';

/** Builds that lack one safeguard each; the simulation has to find every one of them out. */
export const plantedFaults: Readonly<Record<string, PlantedFault>> = {
  'a harmless failure of a repeat ends doubt': {
    module: `${queue}/effects/effect-machine.ts`,
    replace: [
      [
        "return doubted ? { status: 'unknown', doubted } : { status: 'planned', doubted };",
        "return { status: 'planned', doubted };",
      ],
    ],
  },
  'a refusal of a repeat is taken for the end': {
    module: `${queue}/effects/effect-machine.ts`,
    replace: [
      [
        "return doubted ? { status: 'unknown', doubted } : { status: 'rejected', doubted };",
        "return { status: 'rejected', doubted };",
      ],
    ],
  },
  'not there now is taken for never': {
    module: `${stripe}/lookup.ts`,
    replace: [["return { state: 'absent_now' };", "return { state: 'absent_for_good' };"]],
  },
  'silence is not waited for': {
    module: `${stripe}/lookup.ts`,
    replace: [['open.silentMs >= neededMs', 'open.silentMs >= 0']],
  },
  'a repeat has a key of its own': {
    module: `${queue}/effects/run-effect.ts`,
    replace: [["return this.#sendAgain(effect, 'send', false);", "return this.#sendAgain(effect, 'send', true);"]],
  },
  'a failure does not wait for certainty': {
    module: `${queue}/host/outcome.ts`,
    replace: [['if (acted.length === 0 ||', "if (acted.length === 0 || outcome.kind === 'dead' ||"]],
  },
  'a cancel does not wait for certainty': {
    module: `${queue}/host/outcome.ts`,
    replace: [['if (acted.length === 0 ||', "if (acted.length === 0 || outcome.kind === 'cancelled' ||"]],
  },
  'the fence does not fence': {
    module: `${stripe}/charge.ts`,
    replace: [
      [
        "stripe.paymentIntents.cancel(id, { cancellation_reason: 'abandoned' }).catch(",
        "Promise.resolve({ id, status: 'canceled' } as never as Stripe.PaymentIntent).catch(",
      ],
    ],
  },
  'a decline is final while another confirm is under way': {
    module: `${stripe}/charge.ts`,
    replace: [['return open.repeated\n', 'return false\n']],
  },
  'the id of an intent is not written down': {
    module: `${stripe}/charge.ts`,
    replace: [['await remember({ paymentIntent: id }, id);', '']],
  },
  'a server error means that nothing happened': {
    module: `${stripe}/errors.ts`,
    replace: [
      [
        "return new UnknownOutcomeError({ code: 'provider_error', message });",
        "return new RetryableError({ code: 'provider_error', message });",
      ],
    ],
  },
  'an abort means that nothing happened': {
    module: `${queue}/effects/late-answer.ts`,
    replace: [
      ['reject(new UnknownOutcomeError({', 'reject(new RetryableError({'],
      ['import { UnknownOutcomeError }', 'import { RetryableError }'],
    ],
  },
  'a body of somebody else counts as an answer': {
    module: `${stripe}/call.ts`,
    replace: [["return object === kind && typeof id === 'string' && id !== '';", 'return object !== null;']],
  },
  'who has lost the claim settles effects': {
    module: `${queue}/testing/memory-effects.ts`,
    replace: [['(effect.sends !== sends || !holds())', 'false']],
  },
  'an old decision is acted on': {
    module: `${queue}/effects/run-effect.ts`,
    replace: [['if (since(this.#decidedAt) > decisionLifeMs)', 'if (false)']],
  },
};

const fault = process.env.SIMULATE_FAULT;
if (fault !== undefined) {
  const planted = plantedFaults[fault];
  if (planted === undefined) throw new Error(`${fault} is not one of ${Object.keys(plantedFaults).join('; ')}`);
  plant([planted]);
}
