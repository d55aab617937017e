import { PermanentError } from '@queue-service/contracts';

/** The last digit must be 0: https://docs.stripe.com/currencies#three-decimal */
const threeDecimal: ReadonlySet<string> = new Set(['bhd', 'jod', 'kwd', 'omr', 'tnd']);
/** Without decimals, but counted in hundredths for compatibility: https://docs.stripe.com/currencies#special-cases */
const wholeCharges: ReadonlySet<string> = new Set(['isk', 'ugx']);
/** Charged with two decimals, paid out without: same page. */
const wholePayouts: ReadonlySet<string> = new Set(['huf', 'twd', 'isk', 'ugx']);

/**
 * Checks an amount of minor units, as Stripe counts them (yen for zero-decimal currencies, which need no rule). The
 * smallest and largest amounts are Stripe's to know: they change, and depend on the account.
 * @throws PermanentError `invalid_request`
 */
export function checkAmount(amount: number, currency: string, use: 'charge' | 'payout'): void {
  const step = stepOf(currency.toLowerCase(), use);
  if (amount % step === 0) return;
  throw new PermanentError({
    code: 'invalid_request',
    message: `amount: must be a multiple of ${step} in ${currency.toUpperCase()}; Stripe moves no smaller part of this currency`,
  });
}

function stepOf(currency: string, use: 'charge' | 'payout'): number {
  if (threeDecimal.has(currency)) return 10;
  return (use === 'payout' ? wholePayouts : wholeCharges).has(currency) ? 100 : 1;
}
