import { JobError } from '@queue-service/contracts';
import { providerUnavailable } from '../circuit.ts';
import type { Mailer } from './mail.ts';

/**
 * Sends by the second provider what the first cannot take because its circuit is open. Only then is it known that the
 * first has sent nothing. A mail from a template of the first provider cannot go another way, nor can one that only
 * the first can check without sending it: these wait.
 */
export function createFallbackMailer(first: Mailer, second: Mailer): Mailer {
  return {
    async send(mail, call) {
      try {
        return await first.send(mail, call);
      } catch (error) {
        const unsent = error instanceof JobError && error.code === providerUnavailable;
        if (!unsent || mail.template !== null || mail.sandbox) throw error;
        return await second.send(mail, call);
      }
    },
  };
}
