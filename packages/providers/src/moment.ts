/** Seconds since 1970, up to the year 3000. */
const maxSeconds = 32_503_680_000;

/** Whether what a provider tells is a time that a calendar and PostgreSQL can hold. */
export function isMoment(seconds: unknown): seconds is number {
  return typeof seconds === 'number' && seconds >= 0 && seconds < maxSeconds;
}
