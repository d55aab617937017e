// The load of the HTTP contests, made outside of the process that is measured.
import autocannon from 'autocannon';
import { report, settings } from '../contestant.ts';

const { url = '', body = '', token = '', seconds = '1', connections = '64' } = settings();
const before = process.cpuUsage();
const result = await autocannon({
  ...{ url, body, method: 'POST', connections: Number(connections), duration: Number(seconds) },
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
});
const cpu = process.cpuUsage(before);
if (result.non2xx > 0 || result.errors > 0) {
  throw new Error(`${result.non2xx} requests were not accepted, ${result.errors} failed`);
}
report({ count: result['2xx'], seconds: result.duration, cpuSeconds: (cpu.user + cpu.system) / 1e6, rssMiB: 0 });
