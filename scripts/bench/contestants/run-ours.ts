// A fleet worker with everything on: contract, metrics, logs, history, events, time-out, fairness. Only the handler does nothing.
import { report, settings, timedAfter } from '../contestant.ts';
import { workOurs } from '../ours.ts';

const given = settings();
const counter = timedAfter(Number(given['warm'] ?? 0), Number(given['jobs']));
const runtime = await workOurs(given, given['queue'] === 'money' ? 'money' : 'background', () => counter.one());
const measured = await counter.done;
await runtime.history.close();
report(measured);
process.exit(0);
