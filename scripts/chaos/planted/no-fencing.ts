// Whoever held a job once may go on with it and end it, also when somebody else holds it now.
import { plant } from './plant.ts';

const sql = 'packages/persistence/src/sql';

plant([
  { module: `${sql}/finish-critical-jobs.ts`, replace: [['j.fencing = r.fencing AND', '']] },
  { module: `${sql}/return-critical-job.ts`, replace: [['fencing = $2::bigint AND', '$2::bigint IS NOT NULL AND']] },
  { module: `${sql}/renew-leases.ts`, replace: [[' AND j.fencing = c.fencing', '']] },
  { module: `${sql}/effects.ts`, replace: [['j.fencing = $' + '{fencing} AND', '$' + '{fencing} IS NOT NULL AND']] },
]);
