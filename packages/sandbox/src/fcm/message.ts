import type { Reply } from '../http/request.ts';
import { invalidArgument } from './errors.ts';

/** https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages */
export interface FcmMessage {
  token?: string;
  topic?: string;
  condition?: string;
  notification?: { title?: string; body?: string; image?: string };
  data?: Record<string, string>;
  android?: { collapse_key?: string; ttl?: string; notification?: { tag?: string } };
  apns?: { headers?: Record<string, string> };
  webpush?: { headers?: Record<string, string> };
}

const MAX_BYTES = 4096;
const FIELDS = [
  'name',
  'data',
  'notification',
  'android',
  'webpush',
  'apns',
  'fcm_options',
  'token',
  'topic',
  'condition',
];

/** The message, or why it is refused. */
export function readMessage(body: Buffer): { message: FcmMessage; validateOnly: boolean } | { refusal: Reply } {
  const parsed = parse(body);
  if (!isObject(parsed)) return { refusal: invalidArgument('Invalid JSON payload received.', '') };
  const message = parsed['message'];
  if (!isObject(message)) return { refusal: invalidArgument('Request is missing the message.', 'message') };
  for (const name of Object.keys(message)) {
    if (!FIELDS.includes(name)) {
      return {
        refusal: invalidArgument(
          `Invalid JSON payload received. Unknown name "${name}" at 'message': Cannot find field.`,
          'message',
        ),
      };
    }
  }
  const targets = ['token', 'topic', 'condition'].filter((name) => message[name] !== undefined);
  if (targets.length !== 1) return { refusal: invalidArgument('Recipient of the message is not set.', 'message') };
  const { token, data, android } = message as FcmMessage;
  if (token !== undefined && (typeof token !== 'string' || !/^[\w:.-]{8,}$/.test(token))) {
    return {
      refusal: invalidArgument('The registration token is not a valid FCM registration token', 'message.token'),
    };
  }
  if (data !== undefined && !(isObject(data) && Object.values(data).every((value) => typeof value === 'string'))) {
    return { refusal: invalidArgument("Invalid value at 'message.data' (TYPE_STRING)", 'message.data') };
  }
  if (data !== undefined && Object.keys(data).some((key) => /^(from|message_type|gcm\.|google\.)/.test(key))) {
    return { refusal: invalidArgument('Invalid data payload key', 'message.data') };
  }
  if (android?.ttl !== undefined && !/^\d+(\.\d{1,9})?s$/.test(android.ttl)) {
    return {
      refusal: invalidArgument(
        "Invalid value at 'message.android.ttl' (type.googleapis.com/google.protobuf.Duration)",
        'message.android.ttl',
      ),
    };
  }
  if (Buffer.byteLength(JSON.stringify({ notification: message['notification'], data })) > MAX_BYTES) {
    return { refusal: invalidArgument('Message too big', 'message') };
  }
  return { message, validateOnly: parsed['validate_only'] === true };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // Refused by the caller.
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
