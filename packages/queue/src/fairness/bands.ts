/**
 * Where a job of each priority stands in BullMQ's sorted set of waiting jobs, whose score is `number * 2^32 + count` and
 * whose lowest score is served first.
 *
 * A band of numbers belongs to each priority, so a higher priority goes first whatever a tenant has waiting. A band is
 * served in this order: jobs with a tag, in the order of their tags, which is what makes it fair; the intake, where
 * BullMQ puts what was added, whose delay is over or that was given back; the overflow, for jobs whose tag does not fit.
 */
export const numbersOfBand = 200_000;

/** From one priority number of BullMQ to the next, in scores. */
export const numberStep = 2 ** 32;

/** The tags of a band: 8.6e14, which is 8.5e10 jobs of weight 1 of one tenant until the band has once been empty. */
export const tagsOfBand = (numbersOfBand - 2) * numberStep;

/** What one job of weight 1 costs, in tags. It has many divisors, so that weights are kept exactly or nearly so. */
export const costOfJob = 10_080;

/** The number that BullMQ is given for a priority of 1 (lowest) to 10 (highest): that of the intake of its band. */
export function bullPriority(priority: number): number {
  return (10 - priority) * numbersOfBand + numbersOfBand - 2;
}

/** The priority of a job by its number. */
export function priorityOf(number: number): number {
  return 10 - Math.floor(number / numbersOfBand);
}

/** First scores of the parts of a band; `end` is where the next band starts. */
export function scoresOf(priority: number): { tags: number; intake: number; overflow: number; end: number } {
  const tags = (10 - priority) * numbersOfBand * numberStep;
  const intake = bullPriority(priority) * numberStep;
  return { tags, intake, overflow: intake + numberStep, end: tags + numbersOfBand * numberStep };
}
