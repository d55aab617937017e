export { busyJobs } from './busy-jobs.ts';
export { decideFires, type FireDecision } from './decide-fires.ts';
export { jitterOf } from './jitter.ts';
export { launchFires, redispatchFires } from './launch-fires.ts';
export {
  createSchedules,
  type ScheduleNote,
  type SchedulePatch,
  type ScheduleSave,
  type Schedules,
} from './schedules.ts';
export { openTicks, type Ticks } from './ticks.ts';
export { fires, nextFire, type Timing } from './timing.ts';
