/** The file that says who a workload is and which authority certifies it. */
import { readFile } from 'node:fs/promises';
import { ConfigError } from '#api/config-error.ts';
import { parseSpiffeId } from '#api/spiffe-id.ts';
import type { Clock } from '#system/clock.ts';
import type { Identity } from './proxy-secrets.ts';

const LONGEST_LIFE_SECONDS = 10 * 365 * 86_400;

/** roots: the file's PEM as it is now. JSON: spiffeId, caAddress (`127.96.0.1:15012`), caRoots (a PEM file), caName, tokenFile, lifeSeconds. Rejects with ConfigError. */
export const readIdentityFile = async (path: string, clock: Clock): Promise<Identity & { readonly roots: () => Promise<string> }> => {
  const fields = await fieldsOf(path);
  const text = (name: string): string => {
    const value = fields[name];
    if (typeof value !== 'string' || value === '') throw new ConfigError(`${path}: ${name}`, 'must be a text');
    return value;
  };
  const spiffeId = text('spiffeId');
  if (!parseSpiffeId(spiffeId)) throw new ConfigError(`${path}: spiffeId`, 'is no spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT');
  const [, address = '', port = ''] = /^\[?([0-9a-zA-Z.:-]+?)\]?:(\d{1,5})$/.exec(text('caAddress')) ?? [];
  if (address === '') throw new ConfigError(`${path}: caAddress`, 'must be ADDRESS:PORT');
  const { lifeSeconds } = fields;
  if (typeof lifeSeconds !== 'number' || !(lifeSeconds >= 60 && lifeSeconds <= LONGEST_LIFE_SECONDS))
    throw new ConfigError(`${path}: lifeSeconds`, `must be a number of seconds from 60 to ${LONGEST_LIFE_SECONDS}`);
  const [caRoots, name, tokenFile] = [text('caRoots'), text('caName'), text('tokenFile')];
  const { signingCall } = await import('./tls/signing-call.ts');
  const roots = () => readFile(caRoots, 'utf8');
  const issue = signingCall({
    at: { address, port: Number(port) },
    name,
    roots,
    token: () => readFile(tokenFile, 'utf8'),
    clock,
  });
  return { spiffeId, lifeSeconds, issue, roots };
};

const fieldsOf = async (path: string): Promise<Readonly<Record<string, unknown>>> => {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw new ConfigError(path, `cannot be read as JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  throw new ConfigError(path, 'must be a JSON object');
};
