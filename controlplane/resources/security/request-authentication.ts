/** RequestAuthentication: whose tokens are believed. Source: istio.io/api security/v1 request_authentication.proto. */
import { bool, durationText, listOf, object, str } from '../shape.ts';
import { SELECTION } from './selection.ts';

const jwtRule = object({
  issuer: str,
  audiences: listOf(str),
  jwksUri: str,
  jwks: str,
  fromHeaders: listOf(object({ name: str, prefix: str })),
  fromParams: listOf(str),
  fromCookies: listOf(str),
  outputPayloadToHeader: str,
  outputClaimToHeaders: listOf(object({ header: str, claim: str })),
  forwardOriginalToken: bool,
  timeout: durationText,
  spaceDelimitedClaims: listOf(str),
});

/** The fields that a RequestAuthentication's spec may have. */
export const requestAuthenticationShape = object({ ...SELECTION, jwtRules: listOf(jwtRule) });

/** A RequestAuthentication as people write it. */
export type RequestAuthenticationSpec = ReturnType<typeof requestAuthenticationShape.typeOf>;
/** One issuer. */
export type JwtRule = NonNullable<RequestAuthenticationSpec['jwtRules']>[number];
