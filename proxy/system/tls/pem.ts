/** PEM's frame around bytes. Source: RFC 7468. */

/** One block, its base64 in lines of 64. */
export const pemBlock = (label: string, bytes: Buffer): string =>
  `-----BEGIN ${label}-----\n${bytes.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`;
