/** What came of one POST. */
export type Answer =
  | { kind: 'answered'; statusCode: number /** The receiver asks not to be told of this again. */; abort: boolean }
  | { kind: 'refused'; message: string }
  | { kind: 'unanswered'; message: string };

/** What an answer means for its delivery. */
export type Verdict =
  | { kind: 'delivered'; statusCode: number }
  | { kind: 'retry'; code: string; message: string }
  /** No other try can do better; `gone` concerns the endpoint, the rest only this delivery. */
  | { kind: 'stop'; code: 'endpoint_gone' | 'address_refused' | 'delivery_aborted'; message: string };

export function judge(answer: Answer): Verdict {
  switch (answer.kind) {
    case 'refused':
      return { kind: 'stop', code: 'address_refused', message: answer.message };
    case 'unanswered':
      return { kind: 'retry', code: 'endpoint_no_answer', message: answer.message };
    case 'answered':
      return judgeStatus(answer.statusCode, answer.abort);
  }
}

function judgeStatus(status: number, abort: boolean): Verdict {
  if (status >= 200 && status < 300) return { kind: 'delivered', statusCode: status };
  if (status === 410) return { kind: 'stop', code: 'endpoint_gone', message: 'The endpoint answered 410 Gone' };
  if (abort)
    return {
      kind: 'stop',
      code: 'delivery_aborted',
      message: `The endpoint answered ${status} and asked for no more tries`,
    };
  // Followed, a redirect could lead anywhere, and the receiver would not know what it was signed for.
  if (status >= 300 && status < 400)
    return {
      kind: 'retry',
      code: 'endpoint_redirects',
      message: `The endpoint answered ${status}; redirects are not followed`,
    };
  return { kind: 'retry', code: 'endpoint_failed', message: `The endpoint answered ${status}` };
}
