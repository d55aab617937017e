// Loaded before a process of the service: its wall clock is off by CHAOS_CLOCK_SKEW_MS, as on a machine without NTP.
const skewMs = Number(process.env['CHAOS_CLOCK_SKEW_MS'] ?? 0);

globalThis.Date = new Proxy(Date, {
  construct: (RealDate, parts, target) =>
    Reflect.construct(RealDate, parts.length === 0 ? [RealDate.now() + skewMs] : parts, target),
  get: (RealDate, key) => (key === 'now' ? () => RealDate.now() + skewMs : Reflect.get(RealDate, key)),
});
