// The load of the HTTP contests, made outside of the process that is measured.
import autocannon from 'autocannon';
import { report, settings } from '../contestant.ts';

const { url = '', body = '', token = '', seconds = '1', connections = '64' } = settings();
const result = await autocannon({
  ...{ url, body, method: 'POST', connections: Number(connections), duration: Number(seconds) },
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
});
if (result.non2xx > 0 || result.errors > 0) {
  throw new Error(`${result.non2xx} requests were not accepted, ${result.errors} failed`);
}
report({ count: result['2xx'], seconds: result.duration, cpuSeconds: 0, rssMiB: 0 });
