/** Base64url to the letter of RFC 7515: no padding, no other alphabet, no white space, and no bits left over, so that one value has one spelling. */

const FORM = /^[A-Za-z0-9_-]*$/;

/** Undefined when the text is another spelling, or none at all. */
export const base64urlBytes = (text: string): Buffer | undefined => {
  if (!FORM.test(text) || text.length % 4 === 1) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return text.length % 4 === 0 || bytes.toString('base64url') === text ? bytes : undefined;
};

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as text; undefined when they are not UTF-8. */
export const utf8Text = (bytes: Uint8Array): string | undefined => {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
};
