import { type JobError, PermanentError, RetryableError, UnknownOutcomeError } from '@queue-service/contracts';

/** What nodemailer's errors carry. */
interface SmtpFailure {
  code?: string;
  syscall?: string;
  timeoutType?: string;
  responseCode?: number;
}

/** An error of nodemailer as one of the house; replies after RFC 5321, 4.2. */
export function smtpError(error: unknown): JobError {
  const { code = 'unknown', responseCode } = error as SmtpFailure;
  if (code === 'EAUTH' || responseCode === 530 || responseCode === 535) {
    return new PermanentError({
      code: 'provider_authentication_failed',
      message: 'The SMTP server refuses the credentials',
    });
  }
  if (responseCode === 552 || responseCode === 523) {
    return new PermanentError({
      code: 'message_too_large',
      message: 'The SMTP server refuses the mail because of its size',
    });
  }
  if (responseCode !== undefined && responseCode >= 500) {
    return new PermanentError({
      code: 'invalid_request',
      message: `The SMTP server refuses the mail (${responseCode})`,
    });
  }
  if (responseCode !== undefined && responseCode >= 400) {
    return new RetryableError({
      code: 'provider_error',
      message: `The SMTP server cannot take the mail now (${responseCode})`,
    });
  }
  if (neverConnected(error as SmtpFailure)) {
    return new RetryableError({ code: 'provider_unreachable', message: `The SMTP server cannot be reached (${code})` });
  }
  return new UnknownOutcomeError({
    code: 'provider_no_answer',
    message: `The SMTP server gave no answer to the mail (${code}); it may have been accepted`,
  });
}

const beforeFirstCommand = new Set(['CONNECT_TIMEOUT', 'GREETING_TIMEOUT', 'UPGRADE_TIMEOUT']);

/** nodemailer does not tell at which command a connection was lost, so only what is before the first one is sure. */
function neverConnected({ code, syscall, timeoutType }: SmtpFailure): boolean {
  return syscall === 'connect' || code === 'EDNS' || code === 'ETLS' || beforeFirstCommand.has(timeoutType ?? '');
}
