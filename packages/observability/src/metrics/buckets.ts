/** Upper bounds of histogram buckets, in seconds. A bound at each limit that an alert or an autoscaler compares with. */
export const BUCKETS = {
  /** An HTTP request that stores and enqueues. */
  request: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  /** One call to a provider: up to its time limit. */
  call: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60],
  /** Waiting of a job: from at once to a backlog of hours. */
  wait: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 14_400],
  /** One attempt of a job: from a write to Redis to the ten minutes of a report. */
  work: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600],
} as const;
