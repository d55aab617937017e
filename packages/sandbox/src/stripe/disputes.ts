import { post } from './ledger.ts';
import type { Charge, Dispute } from './objects.ts';
import type { Book } from './state.ts';
import { newId, seconds, type World } from './world.ts';

const DISPUTE_FEE = 1500;
const ANSWER_WITHIN_S = 7 * 24 * 60 * 60;
const EVIDENCE_FIELDS = [
  'access_activity_log',
  'billing_address',
  'cancellation_policy',
  'cancellation_policy_disclosure',
  'cancellation_rebuttal',
  'customer_communication',
  'customer_email_address',
  'customer_name',
  'customer_purchase_ip',
  'customer_signature',
  'duplicate_charge_documentation',
  'duplicate_charge_explanation',
  'duplicate_charge_id',
  'product_description',
  'receipt',
  'refund_policy',
  'refund_policy_disclosure',
  'refund_refusal_explanation',
  'service_date',
  'service_documentation',
  'shipping_address',
  'shipping_carrier',
  'shipping_date',
  'shipping_documentation',
  'shipping_tracking_number',
  'uncategorized_file',
  'uncategorized_text',
];

/** The cardholder's bank takes the money back, and a fee. */
export function openDispute(
  world: World,
  book: Book,
  charge: Charge,
  options: { reason?: string; amount?: number } = {},
): Dispute {
  const amount = options.amount ?? charge.amount - charge.amount_refunded;
  const dispute = book.add('dispute', {
    id: newId(world, 'du'),
    object: 'dispute',
    amount,
    balance_transactions: [],
    charge: charge.id,
    created: seconds(world),
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: {
      ...Object.fromEntries(EVIDENCE_FIELDS.map((name) => [name, null])),
      enhanced_evidence: {},
    } as unknown as Dispute['evidence'],
    evidence_details: {
      due_by: seconds(world) + ANSWER_WITHIN_S,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
    } as Dispute['evidence_details'],
    intended_submission_method: null,
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    payment_method_details: {
      card: { brand: 'visa', case_type: 'chargeback', network: 'visa', network_reason_code: '10.4' },
      type: 'card',
    },
    reason: options.reason ?? 'fraudulent',
    status: 'needs_response',
  });
  charge.disputed = true;
  world.emit(book, 'charge.dispute.created', dispute);
  withdraw(world, book, dispute, -amount, DISPUTE_FEE);
  world.emit(book, 'charge.dispute.funds_withdrawn', dispute);
  return dispute;
}

/** The bank decides; a won dispute brings the money and the fee back. */
export function closeDispute(world: World, book: Book, dispute: Dispute, outcome: 'won' | 'lost'): void {
  dispute.status = outcome;
  if (outcome === 'won') {
    withdraw(world, book, dispute, dispute.amount, -DISPUTE_FEE);
    world.emit(book, 'charge.dispute.funds_reinstated', dispute);
  }
  world.emit(book, 'charge.dispute.closed', dispute);
}

function withdraw(world: World, book: Book, dispute: Dispute, amount: number, fee: number): void {
  const transaction = post(world, book, {
    type: 'adjustment',
    reportingCategory: amount < 0 ? 'dispute' : 'dispute_reversal',
    amount,
    currency: dispute.currency,
    source: dispute.id,
    description:
      amount < 0 ? `Chargeback withdrawal for ${dispute.charge}` : `Chargeback reversal for ${dispute.charge}`,
    feeDetails: [
      { amount: fee, application: null, currency: dispute.currency, description: 'Dispute fee', type: 'stripe_fee' },
    ],
  });
  dispute.balance_transactions.push(structuredClone(transaction) as unknown as Dispute['balance_transactions'][number]);
}
