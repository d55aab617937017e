import { describe, expect, it } from 'vitest';
import { createFlowSchema } from '../http/flows.ts';
import { contractOf } from '../registry.ts';
import { planFlow } from './plan.ts';

const payment = { name: 'payment', type: 'payment-process', data: contractOf('payment-process').example.payload };
const mint = { name: 'mint', type: 'nft-mint', data: contractOf('nft-mint').example.payload, dependsOn: ['payment'] };

function plan(steps: unknown[]) {
  return planFlow(createFlowSchema.parse({ steps }));
}
function problems(steps: unknown[]) {
  const outcome = plan(steps);
  return outcome.ok ? [] : outcome.problems.map(({ path, code }) => `${path}: ${code}`);
}
const refund = (ref: unknown) => ({ name: 'refund', type: 'refund-process', data: { paymentIntentId: ref } });

describe('planning a flow', () => {
  it('makes a step named by a reference a dependency', () => {
    const outcome = plan([payment, refund({ $ref: 'steps.payment.result.paymentIntentId' })]);
    expect(outcome.ok && outcome.plan.steps[1]?.dependsOn).toEqual(['payment']);
  });

  it('refuses a reference to a field that the result does not have', () => {
    expect(problems([payment, refund({ $ref: 'steps.payment.result.paymentIntent' })])).toEqual([
      'steps.1.data.paymentIntentId: unknown_reference',
    ]);
  });

  it('refuses a reference whose value would not fit the payload', () => {
    expect(problems([payment, refund({ $ref: 'steps.payment.result.amount' })])).toEqual([
      'steps.1.data.paymentIntentId: invalid_type',
    ]);
  });

  it('refuses unknown steps, unknown types, wrong queues and doubled names, all at once', () => {
    expect(
      problems([
        payment,
        { ...payment, type: 'payment-proces' },
        { name: 'a', type: 'nope', data: {} },
        { ...mint, queue: 'background', dependsOn: ['ghost'] },
        refund({ $ref: 'steps.ghost.result.x' }),
        { name: 'b', type: 'refund-process', data: { paymentIntentId: { $ref: 'payment' } } },
      ]),
    ).toEqual([
      'steps.1.name: duplicate_step',
      'steps.1.type: unknown_job_type',
      'steps.2.type: unknown_job_type',
      'steps.3.queue: wrong_queue',
      'steps.3.dependsOn.0: unknown_step',
      'steps.4.data.paymentIntentId: unknown_step',
      'steps.5.data.paymentIntentId: invalid_reference',
    ]);
  });

  it('refuses a circle', () => {
    expect(problems([{ ...payment, dependsOn: ['mint'] }, mint])).toEqual(['steps: circular']);
  });

  it('takes as many dependencies as are allowed, and refuses more', () => {
    const steps = (each: number) =>
      Array.from({ length: 500 }, (_, index) => ({
        ...{ name: `s${index}`, type: 'payment-process', data: payment.data },
        dependsOn: Array.from({ length: Math.min(index, each) }, (_, back) => `s${index - 1 - back}`),
        compensation: {
          type: 'refund-process',
          data: { paymentIntentId: { $ref: 'steps.s0.result.paymentIntentId' } },
        },
      }));
    expect(problems(steps(10))).toEqual([]);
    expect(problems(steps(11))).toEqual(['steps: too_many_dependencies']);
  });

  it('lets a compensation use the result of its own step, and a step not', () => {
    const compensation = {
      type: 'refund-process',
      data: { paymentIntentId: { $ref: 'steps.payment.result.paymentIntentId' } },
    };
    expect(problems([{ ...payment, compensation }])).toEqual([]);
    expect(
      problems([{ ...payment, data: { ...payment.data, description: { $ref: 'steps.payment.result.status' } } }]),
    ).toEqual(['steps: circular']);
  });

  it('expands the ticket purchase and checks its input by path', () => {
    const input = {
      payment: contractOf('payment-process').example.payload,
      ticket: contractOf('nft-mint').example.payload,
      buyer: { email: 'ada@example.com' },
    };
    const outcome = planFlow({ template: 'ticket-purchase', input });
    expect(
      outcome.ok && outcome.plan.steps.map((step) => [step.name, step.dependsOn, step.compensation?.type]),
    ).toEqual([
      ['payment', [], 'refund-process'],
      ['mint', ['payment'], undefined],
      ['confirmation', ['payment', 'mint'], undefined],
    ]);
    const bad = planFlow({
      template: 'ticket-purchase',
      input: { ...input, payment: { ...input.payment, amount: 0 } },
    });
    expect(!bad.ok && bad.problems.map(({ path }) => path)).toEqual(['input.payment.amount']);
  });
});
