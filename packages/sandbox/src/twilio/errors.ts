import type { Reply } from '../http/request.ts';

/** An error as Twilio words it. https://www.twilio.com/docs/api/errors */
export function twilioError(status: number, code: number, message: string): Reply {
  return { status, body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status } };
}

/** What Twilio answers by status alone; used for faults without a body. */
export function errorByStatus(status: number): Reply {
  if (status === 401) return twilioError(401, 20003, 'Authenticate');
  if (status === 404) return twilioError(404, 20404, 'The requested resource was not found');
  if (status === 429) {
    const reply = twilioError(429, 20429, 'Too Many Requests');
    return { ...reply, headers: { 'Retry-After': '1' } };
  }
  return twilioError(
    status,
    status >= 500 ? 20500 : 20001,
    status >= 500 ? 'An internal server error has occurred' : 'Bad request',
  );
}

/** Numbers of Twilio's test credentials. https://www.twilio.com/docs/iam/test-credentials#test-sms-messages-parameters-To */
export const MAGIC_RECIPIENTS: Readonly<Record<string, Reply>> = {
  '+15005550001': twilioError(400, 21211, "Invalid 'To' Phone Number: +1500555XXXX"),
  '+15005550002': twilioError(
    400,
    21612,
    "Message cannot be sent with the current combination of 'To' and/or 'From' parameters",
  ),
  '+15005550003': twilioError(
    400,
    21408,
    "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: +1500555XXXX",
  ),
  '+15005550004': twilioError(400, 21610, 'Attempt to send to unsubscribed recipient'),
  '+15005550009': twilioError(400, 21614, "'To' number is not a valid mobile number"),
};
