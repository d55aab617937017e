export interface MailError {
  message: string;
  field: string | null;
  help: string | null;
}

type Json = Record<string, unknown>;

const MAX_PERSONALIZATIONS = 1000;
const MAX_RECIPIENTS = 1000;
const MAX_CATEGORIES = 10;
const MAX_CATEGORY_LENGTH = 255;
const MAX_CUSTOM_ARGS_BYTES = 10_000;
const HELP = 'http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message.';
const ADDRESS = /^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$/;

/** Everything wrong with a body, in SendGrid's words. https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors */
export function validateMail(body: unknown): MailError[] {
  if (!isObject(body)) return [error('Bad Request', null)];
  const errors: MailError[] = [];
  checkFrom(body, errors);
  checkPersonalizations(body, errors);
  checkContent(body, errors);
  checkAttachments(body, errors);
  checkCategories(body, errors);
  checkCustomArgs(body['custom_args'], 'custom_args', errors);
  return errors;
}

function checkFrom(body: Json, errors: MailError[]): void {
  const from = body['from'];
  if (!isObject(from)) {
    errors.push(
      error(
        'The from object must be provided for every email send. It is an object that requires the email parameter, but may also contain a name parameter.  e.g. {"email" : "example@example.com"}  or {"email" : "example@example.com", "name" : "Example Recipient"}.',
        'from.email',
        'from',
      ),
    );
  } else checkAddress(from, 'from', errors);
  if (body['reply_to'] !== undefined) {
    if (isObject(body['reply_to'])) checkAddress(body['reply_to'], 'reply_to', errors);
    else errors.push(error('The reply_to parameter must be an object.', 'reply_to', 'reply_to'));
  }
}

function checkPersonalizations(body: Json, errors: MailError[]): void {
  const list = body['personalizations'];
  if (!Array.isArray(list) || list.length === 0) {
    errors.push(
      error(
        'The personalizations field is required and must have at least one personalization.',
        'personalizations',
        'personalizations',
      ),
    );
    return;
  }
  if (list.length > MAX_PERSONALIZATIONS) {
    errors.push(
      error(
        `The personalization block is limited to 1000 personalizations per API request. You have provided ${list.length} personalizations. Please consider splitting this into multiple requests and resending your request.`,
        'personalizations',
      ),
    );
  }
  let recipients = 0;
  list.forEach((item: unknown, index) => {
    const path = `personalizations.${index}`;
    if (!isObject(item)) {
      errors.push(error('The personalization must be an object.', path));
      return;
    }
    recipients += checkRecipients(item, path, errors);
    checkCustomArgs(item['custom_args'], `${path}.custom_args`, errors);
    if (body['template_id'] === undefined && body['subject'] === undefined && item['subject'] === undefined) {
      errors.push(
        error(
          'The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined.',
          'subject',
          'subject',
        ),
      );
    }
    if (item['subject'] === '')
      errors.push(
        error(
          'The subject of your email must be a string at least one character in length.',
          `${path}.subject`,
          'subject',
        ),
      );
  });
  if (body['subject'] === '')
    errors.push(
      error('The subject of your email must be a string at least one character in length.', 'subject', 'subject'),
    );
  if (recipients > MAX_RECIPIENTS) {
    errors.push(error('There is a limit of 1000 total recipients (to + cc + bcc) per request.', 'personalizations'));
  }
}

function checkRecipients(item: Json, path: string, errors: MailError[]): number {
  const seen = new Set<string>();
  let count = 0;
  if (!Array.isArray(item['to']) || item['to'].length === 0) {
    errors.push(
      error(
        'The to array is required for all personalization objects, and must have at least one email object with a valid email address.',
        `${path}.to`,
        'personalizations.to',
      ),
    );
  }
  for (const kind of ['to', 'cc', 'bcc']) {
    const list = item[kind];
    if (list === undefined) continue;
    if (!Array.isArray(list)) {
      errors.push(error(`The ${kind} parameter must be an array.`, `${path}.${kind}`));
      continue;
    }
    list.forEach((address: unknown, index) => {
      count++;
      if (!isObject(address)) {
        errors.push(error('The email address must be an object.', `${path}.${kind}.${index}`));
        return;
      }
      checkAddress(address, `${path}.${kind}.${index}`, errors);
      const email = String(address['email']).toLowerCase();
      if (seen.has(email)) {
        errors.push(
          error(
            `Each email address in the personalization block should be unique between to, cc, and bcc. We found the first duplicate instance of [${email}] in the ${path}.${kind} field.`,
            path,
          ),
        );
      }
      seen.add(email);
    });
  }
  return count;
}

function checkCustomArgs(args: unknown, path: string, errors: MailError[]): void {
  if (args === undefined) return;
  if (!isObject(args) || Object.values(args).some((value) => typeof value !== 'string')) {
    errors.push(error('The custom_args parameter must be an object whose values are strings.', path));
  } else if (JSON.stringify(args).length > MAX_CUSTOM_ARGS_BYTES) {
    errors.push(error('The custom arguments may not exceed 10,000 bytes.', path));
  }
}

function checkAddress(address: Json, path: string, errors: MailError[]): void {
  const email = address['email'];
  if (typeof email !== 'string' || email === '') {
    errors.push(error('The email field is required.', `${path}.email`, path.split('.')[0]));
  } else if (!ADDRESS.test(email)) {
    errors.push(error('Does not contain a valid address.', `${path}.email`, path.split('.')[0]));
  }
}

function checkContent(body: Json, errors: MailError[]): void {
  const content = body['content'];
  const template = body['template_id'];
  if (
    template !== undefined &&
    (typeof template !== 'string' || !/^(d-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.test(template))
  ) {
    errors.push(
      error(`The template_id must be a valid GUID, you provided '${String(template)}'.`, 'template_id', 'template_id'),
    );
  }
  if (content === undefined) {
    if (template === undefined)
      errors.push(
        error(
          'Unless a valid template_id is provided, the content parameter is required. There must be at least one defined content block. We typically suggest both text/plain and text/html blocks are included, but only one block is required.',
          'content',
          'content',
        ),
      );
    return;
  }
  if (!Array.isArray(content) || content.length === 0) {
    errors.push(error('The content parameter must be an array with at least one block.', 'content', 'content'));
    return;
  }
  content.forEach((block: unknown, index) => {
    const value = isObject(block) ? block['value'] : undefined;
    if (typeof value !== 'string' || value.length === 0) {
      errors.push(
        error(
          'The content value must be a string at least one character in length.',
          `content.${index}.value`,
          'content.value',
        ),
      );
    }
    if (!isObject(block) || typeof block['type'] !== 'string' || block['type'] === '') {
      errors.push(
        error(
          'The content type must be a string at least one character in length.',
          `content.${index}.type`,
          'content.type',
        ),
      );
    }
  });
  const types = content.map((block) => (isObject(block) ? block['type'] : undefined));
  if (types.includes('text/plain') && types.indexOf('text/plain') !== 0) {
    errors.push(
      error(
        'If present, text/plain and text/html may only be provided once, and text/plain must be the first content.',
        'content',
        'content',
      ),
    );
  }
}

function checkAttachments(body: Json, errors: MailError[]): void {
  const list = body['attachments'];
  if (list === undefined) return;
  if (!Array.isArray(list)) {
    errors.push(error('The attachments parameter must be an array.', 'attachments'));
    return;
  }
  list.forEach((item: unknown, index) => {
    const content = isObject(item) ? item['content'] : undefined;
    if (typeof content !== 'string' || content === '' || !/^[A-Za-z0-9+/\s]+={0,2}$/.test(content)) {
      errors.push(
        error('The attachment content must be base64 encoded.', `attachments.${index}.content`, 'attachments.content'),
      );
    }
    const filename = isObject(item) ? item['filename'] : undefined;
    if (typeof filename !== 'string' || filename === '') {
      errors.push(
        error(
          'The filename of the attachment must be a string at least one character in length.',
          `attachments.${index}.filename`,
        ),
      );
    }
  });
}

function checkCategories(body: Json, errors: MailError[]): void {
  const list = body['categories'];
  if (list === undefined) return;
  if (!Array.isArray(list) || list.length > MAX_CATEGORIES) {
    errors.push(error(`You can only have up to ${MAX_CATEGORIES} categories per request.`, 'categories', 'categories'));
    return;
  }
  if (new Set(list).size < list.length)
    errors.push(error('The categories must be unique.', 'categories', 'categories'));
  list.forEach((category: unknown, index) => {
    if (typeof category !== 'string' || category.length > MAX_CATEGORY_LENGTH) {
      errors.push(
        error(
          `Each category must be a string of at most ${MAX_CATEGORY_LENGTH} characters.`,
          `categories.${index}`,
          'categories',
        ),
      );
    }
  });
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function error(message: string, field: string | null, help?: string): MailError {
  return { message, field, help: help === undefined ? null : `${HELP}${help}` };
}
