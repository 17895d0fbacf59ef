/** Why a request's tokens do not do, in Envoy's words: they reach the client and the log. (Envoy 1.40) */

/** Words for every refusal. The last ones have no like in Envoy, which takes such tokens. */
export const JWT_FAILURES = {
  missing: 'Jwt is missing',
  format: 'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections',
  headerBase64: 'Jwt header is an invalid Base64url encoded',
  headerJson: 'Jwt header is an invalid JSON',
  algorithmMissing: 'Jwt header [alg] field is required and must be a string',
  algorithm: 'Jwt header [alg] is not supported',
  keyId: 'Jwt header [kid] field is not a string',
  payloadBase64: 'Jwt payload is an invalid Base64url encoded',
  payloadJson: 'Jwt payload is an invalid JSON',
  issuerType: 'Jwt payload [iss] field is not a string',
  subjectType: 'Jwt payload [sub] field is not a string',
  idType: 'Jwt payload [jti] field is not a string',
  audienceType: 'Jwt payload [aud] field is not a string or string list',
  issuedAtType: 'Jwt payload [iat] field is not an integer',
  issuedAtRange: 'Jwt payload [iat] field is not a positive 64 bit integer',
  notBeforeType: 'Jwt payload [nbf] field is not an integer',
  notBeforeRange: 'Jwt payload [nbf] field is not a positive 64 bit integer',
  expiryType: 'Jwt payload [exp] field is not an integer',
  expiryRange: 'Jwt payload [exp] field is not a positive 64 bit integer',
  signatureBase64: 'Jwt signature is an invalid Base64url encoded',
  issuer: 'Jwt issuer is not configured',
  early: 'Jwt not yet valid',
  expired: 'Jwt is expired',
  audience: 'Audiences in Jwt are not allowed',
  signature: 'Jwt verification fails',
  ed25519Length: 'Jwt ED25519 signature is wrong length',
  noKey: "Jwks doesn't have key to match kid or alg from Jwt",
  noKeys: "Jwks doesn't have any valid public key",
  fetch: 'Jwks remote fetch is failed',
  critical: 'Jwt header [crit] or [b64] is not supported',
  unsafeClaim: 'Jwt payload has a claim that cannot be a header',
} as const;

/** One of them. */
export type JwtFailure = keyof typeof JWT_FAILURES;
