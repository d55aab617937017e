import { UnknownOutcomeError } from '@queue-service/contracts';

/** What follows the signal by itself has this long to say that nothing left, in milliseconds. */
const ownWordMs = 50;

/**
 * The answer to a request, or UnknownOutcomeError soon after the signal was aborted: an abort gives up waiting, not the
 * request. An answer that comes later is handed to `hear`; a late failure says nothing that is not assumed already.
 */
export async function answerOrAbort<Answer>(
  work: Promise<Answer>,
  signal: AbortSignal,
  hear: (late: Answer) => void,
): Promise<Answer> {
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  let late = false;
  const abort = () => {
    timer = setTimeout(() => {
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
    clearTimeout(timer);
  }
}
