// Asks a process whether it lives, for Docker's HEALTHCHECK and `helm test`: there is no curl in the image.
// biome-ignore lint/style/noProcessEnv: this file is a whole program, configured by one variable.
const url = process.env.HEALTHCHECK_URL ?? 'http://127.0.0.1:3011/health/live';

try {
  const response = await fetch(url, { signal: AbortSignal.timeout(4_000) });
  const body = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${body}`);
} catch (error) {
  console.error(`${url}: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
