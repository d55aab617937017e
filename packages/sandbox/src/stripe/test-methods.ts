/** What a test payment method does. https://docs.stripe.com/testing */
export interface TestMethod {
  type: 'card' | 'us_bank_account' | 'sepa_debit';
  brand?: string;
  last4: string;
  /** Declined at once. */
  decline?: Decline;
  /** The customer must act (3-D Secure); off session that is a decline. */
  authentication?: 'always' | 'then-declined';
  /** A bank debit: `processing` first, then this, or nothing until told. */
  settles?: 'succeeded' | 'failed' | 'never';
  settleFailure?: Decline;
  refund?: 'fails-later' | 'pending';
  /** The funds are available at once. */
  bypassPending?: boolean;
  dispute?: 'fraudulent' | 'product_not_received';
}

export interface Decline {
  code: string;
  declineCode?: string;
  message: string;
  advice?: 'confirm_card_data' | 'do_not_try_again' | 'try_again_later';
}

const GENERIC: Decline = {
  code: 'card_declined',
  declineCode: 'generic_decline',
  message: 'Your card was declined.',
  advice: 'try_again_later',
};
const INSUFFICIENT: Decline = {
  code: 'card_declined',
  declineCode: 'insufficient_funds',
  message: 'Your card has insufficient funds.',
  advice: 'try_again_later',
};
const declined = (declineCode: string, advice: Decline['advice'] = 'do_not_try_again'): Decline => ({
  ...GENERIC,
  declineCode,
  ...(advice ? { advice } : {}),
});

const VISA = { type: 'card', brand: 'visa' } as const;
const BANK = { type: 'us_bank_account', last4: '6789' } as const;
const SEPA = { type: 'sepa_debit', last4: '3201' } as const;
const BANK_NO_FUNDS: Decline = {
  code: 'payment_intent_payment_attempt_failed',
  declineCode: 'insufficient_funds',
  message: "The customer's account has insufficient funds to cover this payment.",
};

export const TEST_METHODS: Readonly<Record<string, TestMethod>> = {
  pm_card_visa: { ...VISA, last4: '4242' },
  pm_card_visa_debit: { ...VISA, last4: '5556' },
  pm_card_mastercard: { type: 'card', brand: 'mastercard', last4: '4444' },
  pm_card_amex: { type: 'card', brand: 'amex', last4: '8431' },
  pm_card_us: { ...VISA, last4: '4242' },
  pm_card_bypassPending: { ...VISA, last4: '0077', bypassPending: true },
  pm_card_refundFail: { ...VISA, last4: '5126', refund: 'fails-later' },
  pm_card_pendingRefund: { ...VISA, last4: '7726', refund: 'pending' },
  pm_card_createDispute: { ...VISA, last4: '0259', dispute: 'fraudulent' },
  pm_card_createDisputeProductNotReceived: { ...VISA, last4: '2685', dispute: 'product_not_received' },
  pm_card_chargeDeclined: { ...VISA, last4: '0002', decline: GENERIC },
  pm_card_visa_chargeDeclined: { ...VISA, last4: '0002', decline: GENERIC },
  pm_card_chargeDeclinedInsufficientFunds: { ...VISA, last4: '9995', decline: INSUFFICIENT },
  pm_card_visa_chargeDeclinedInsufficientFunds: { ...VISA, last4: '9995', decline: INSUFFICIENT },
  pm_card_visa_chargeDeclinedLostCard: { ...VISA, last4: '9987', decline: declined('lost_card') },
  pm_card_visa_chargeDeclinedStolenCard: { ...VISA, last4: '9979', decline: declined('stolen_card') },
  pm_card_visa_chargeDeclinedVelocityLimitExceeded: {
    ...VISA,
    last4: '6975',
    decline: declined('card_velocity_exceeded', 'try_again_later'),
  },
  pm_card_chargeDeclinedFraudulent: { ...VISA, last4: '0019', decline: declined('fraudulent') },
  pm_card_radarBlock: { ...VISA, last4: '0101', decline: declined('fraudulent') },
  pm_card_chargeDeclinedExpiredCard: {
    ...VISA,
    last4: '0069',
    decline: { code: 'expired_card', message: 'Your card has expired.', advice: 'do_not_try_again' },
  },
  pm_card_chargeDeclinedIncorrectCvc: {
    ...VISA,
    last4: '0127',
    decline: { code: 'incorrect_cvc', message: "Your card's security code is incorrect.", advice: 'confirm_card_data' },
  },
  pm_card_chargeDeclinedProcessingError: {
    ...VISA,
    last4: '0119',
    decline: {
      code: 'processing_error',
      message: 'An error occurred while processing your card. Try again in a little bit.',
      advice: 'try_again_later',
    },
  },
  pm_card_authenticationRequired: { ...VISA, last4: '3184', authentication: 'always' },
  pm_card_threeDSecure2Required: { ...VISA, last4: '3220', authentication: 'always' },
  pm_card_threeDSecureRequired: { ...VISA, last4: '3220', authentication: 'always' },
  pm_card_authenticationRequiredChargeDeclinedInsufficientFunds: {
    ...VISA,
    last4: '9995',
    authentication: 'then-declined',
    decline: INSUFFICIENT,
  },
  pm_usBankAccount: { ...BANK, settles: 'succeeded' },
  pm_usBankAccount_success: { ...BANK, settles: 'succeeded' },
  pm_usBankAccount_processing: { ...BANK, settles: 'never' },
  pm_usBankAccount_insufficientFunds: { ...BANK, settles: 'failed', settleFailure: BANK_NO_FUNDS },
  pm_sepa: { ...SEPA, settles: 'succeeded' },
  pm_sepaDebit: { ...SEPA, settles: 'succeeded' },
  pm_sepaDebit_success: { ...SEPA, settles: 'succeeded' },
  pm_sepaDebit_processing: { ...SEPA, settles: 'never' },
  pm_sepaDebit_insufficientFunds: { ...SEPA, settles: 'failed', settleFailure: BANK_NO_FUNDS },
};

/** Test tokens (`tok_visa`) name the same cards. */
export function methodOfToken(token: string): string | undefined {
  const name = `pm_card_${token.replace(/^tok_/, '')}`;
  return name in TEST_METHODS ? name : undefined;
}
