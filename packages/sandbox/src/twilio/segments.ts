/** GSM 03.38 basic characters; anything outside them and the extension makes the whole message UCS-2. */
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
/** Take two septets each. */
const EXTENDED = new Set('^{}\\[~]|€\f');

/** How many segments a text is billed as. https://www.twilio.com/docs/glossary/what-sms-character-limit */
export function countSegments(body: string): number {
  let septets = 0;
  for (const character of body) {
    if (EXTENDED.has(character)) septets += 2;
    else if (BASIC.has(character)) septets += 1;
    else return segments(body.length, 70, 67);
  }
  return segments(septets, 160, 153);
}

function segments(length: number, alone: number, joined: number): number {
  return length <= alone ? 1 : Math.ceil(length / joined);
}
