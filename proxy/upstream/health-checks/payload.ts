/** Bytes that checks send and look for. Source: config.core.v3.HealthCheck.Payload. */
import { ConfigError } from '#api/config-error.ts';
import type { HealthCheck_Payload } from '#envoy';

/** Bytes of a payload; its text is hexadecimal. Throws ConfigError. */
export const compilePayload = ({ payload }: HealthCheck_Payload): Buffer => {
  if (payload?.$case === 'binary') return Buffer.from(payload.value);
  const text = payload?.value ?? '';
  if (text === '' || !/^(?:[0-9a-fA-F]{2})+$/.test(text)) throw new ConfigError('text', `invalid hex string ${JSON.stringify(text)}`);
  return Buffer.from(text, 'hex');
};

/** Whether all parts are there, one after another, with anything between them. */
export const hasAll = (parts: readonly Buffer[], bytes: Buffer): boolean => {
  let from = 0;
  for (const part of parts) {
    const at = bytes.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return true;
};
