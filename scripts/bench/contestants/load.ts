// The load of the HTTP contests, made outside of the process that is measured: by wrk, or autocannon where that is not to
// be had, which itself uses as much of a core as an API.
import autocannon from 'autocannon';
import { report, settings } from '../contestant.ts';
import { findWrk, postWithWrk } from '../wrk.ts';

const given = settings();
const { url = '', body = '', token = '' } = given;
const [seconds, connections] = [Number(given['seconds'] ?? 1), Number(given['connections'] ?? 64)];
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };

async function postWithAutocannon(): Promise<{ count: number; seconds: number }> {
  const result = await autocannon({ url, body, headers, method: 'POST', connections, duration: seconds });
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`${result.non2xx} requests were not accepted, ${result.errors} failed`);
  }
  return { count: result['2xx'], seconds: result.duration };
}

const wrk = await findWrk();
const made =
  typeof wrk === 'string'
    ? await postWithAutocannon()
    : await postWithWrk(wrk, { url, body, headers, connections, seconds });
report({ ...made, cpuSeconds: 0, rssMiB: 0 });
