import { UnknownOutcomeError } from '@queue-service/contracts';

/** What follows the signal by itself has this long to say that nothing left, in milliseconds. */
const ownWordMs = 50;

/** Calls back after so many milliseconds, unless it is cleared by what it answers. */
export type SetTimer = (callback: () => void, ms: number) => () => void;

const realTimer: SetTimer = (callback, ms) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};

/**
 * The answer to a request, or UnknownOutcomeError soon after the signal was aborted: an abort gives up waiting, not the
 * request. An answer that comes later is handed to `hear`; a late failure says nothing that is not assumed already.
 */
export async function answerOrAbort<Answer>(
  work: Promise<Answer>,
  signal: AbortSignal,
  hear: (late: Answer) => void,
  setTimer: SetTimer = realTimer,
): Promise<Answer> {
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  let clear = () => {};
  let late = false;
  const abort = () => {
    clear = setTimer(() => {
      late = true;
      reject(new UnknownOutcomeError({ code: 'aborted', message: 'The attempt ended while the provider was at work' }));
    }, ownWordMs);
  };
  signal.addEventListener('abort', abort, { once: true });
  work.then(
    (answer) => {
      if (late) hear(answer);
    },
    () => {},
  );
  try {
    return await Promise.race([work, givenUp]);
  } finally {
    signal.removeEventListener('abort', abort);
    clear();
  }
}
