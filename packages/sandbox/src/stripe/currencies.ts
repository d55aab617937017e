import { badParameter, invalidRequest } from './errors.ts';

/** https://docs.stripe.com/currencies#zero-decimal */
const ZERO_DECIMAL = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf'.split(' '));
/** https://docs.stripe.com/currencies#three-decimal: the last digit must be 0. */
const THREE_DECIMAL = new Set('bhd jod kwd omr tnd'.split(' '));
const TWO_DECIMAL = new Set(
  (
    'usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc cve ' +
    'czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs khr kyd kzt ' +
    'lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln ' +
    'qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd yer zar zmw'
  ).split(' '),
);
/** The smallest charge, in minor units: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts */
const MINIMUM: Record<string, number> = {
  usd: 50,
  aed: 200,
  aud: 50,
  bgn: 100,
  brl: 50,
  cad: 50,
  chf: 50,
  czk: 1500,
  dkk: 250,
  eur: 50,
  gbp: 30,
  hkd: 400,
  huf: 17500,
  inr: 50,
  jpy: 50,
  mxn: 1000,
  myr: 200,
  nok: 300,
  nzd: 50,
  pln: 200,
  ron: 200,
  sek: 300,
  sgd: 50,
  thb: 1000,
};
const MAXIMUM = 99_999_999;

/** Lower-case code. @throws StripeFailure when Stripe does not know the currency. */
export function checkCurrency(code: string): string {
  const currency = code.toLowerCase();
  if (!ZERO_DECIMAL.has(currency) && !THREE_DECIMAL.has(currency) && !TWO_DECIMAL.has(currency)) {
    throw badParameter(
      `Invalid currency: ${currency}. Stripe currently supports these currencies: usd, aed, afn, all, amd, …`,
      'currency',
    );
  }
  return currency;
}

/** Amount rules of a charge. @throws StripeFailure `amount_too_small`, `amount_too_large`, or for a three-decimal amount not ending in 0. */
export function checkChargeAmount(amount: number, currency: string): void {
  checkThreeDecimal(amount, currency);
  if (amount > MAXIMUM) {
    throw invalidRequest(`Amount must be no more than ${money(MAXIMUM, currency)}`, 'amount_too_large', {
      param: 'amount',
    });
  }
  const minimum = MINIMUM[currency] ?? 1;
  if (amount < minimum) {
    throw invalidRequest(`Amount must be at least ${money(minimum, currency)}`, 'amount_too_small', {
      param: 'amount',
    });
  }
}

export function checkThreeDecimal(amount: number, currency: string): void {
  if (THREE_DECIMAL.has(currency) && amount % 10 !== 0) {
    throw invalidRequest(
      `Invalid amount: for ${currency}, amounts must be given with three decimals of which the last is 0, as this currency is rounded to the nearest ten.`,
      'parameter_invalid_integer',
      { param: 'amount' },
    );
  }
}

/** `$10.00 usd`-like text of Stripe's messages. */
export function money(amount: number, currency: string): string {
  const digits = ZERO_DECIMAL.has(currency) ? 0 : THREE_DECIMAL.has(currency) ? 3 : 2;
  const value = (amount / 10 ** digits).toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  const sign: Record<string, string> = { usd: '$', eur: '€', gbp: '£', jpy: '¥' };
  return sign[currency] ? `${sign[currency]}${value}` : `${value} ${currency}`;
}
