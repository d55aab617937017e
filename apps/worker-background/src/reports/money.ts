/** Counted in whole units: https://docs.stripe.com/currencies#zero-decimal */
const zeroDecimal: ReadonlySet<string> = new Set(
  'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '),
);
/** Counted in thousandths: https://docs.stripe.com/currencies#three-decimal */
const threeDecimal: ReadonlySet<string> = new Set('BHD JOD KWD OMR TND'.split(' '));

/** An amount in minor units as Stripe counts them. */
export interface Money {
  readonly minor: bigint;
  /** ISO 4217, upper case. */
  readonly currency: string;
}

/** Decimals that a currency's amounts are written with. Stripe's, which differ from ISO's for a few. */
export function decimalsOf(currency: string): number {
  if (zeroDecimal.has(currency)) return 0;
  return threeDecimal.has(currency) ? 3 : 2;
}

/** `-1234.50`: exact, whatever its size. */
export function decimalText({ minor, currency }: Money): string {
  const decimals = decimalsOf(currency);
  const digits = (minor < 0n ? -minor : minor).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const part = decimals === 0 ? '' : `.${digits.slice(-decimals)}`;
  return `${minor < 0n ? '-' : ''}${whole}${part}`;
}
