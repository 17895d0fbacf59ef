/** The exchange record, as an access log that every data plane can write. Pure. */
import { EXCHANGE_LOG_FORMAT } from '#api/exchange.ts';
import type { AccessLog } from '#envoy';
import type { InboundMode } from '../../mesh/effective-policy.ts';
import type { MeshConfig } from '../../mesh/mesh.ts';
import { pack } from '../pack.ts';

const LOG = 'envoy.access_loggers.file';

/** more: what stands in every line beside the record. */
const toFile = (path: string, more: object = {}) =>
  pack('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
    path,
    accessLogFormat: { $case: 'logFormat', value: { format: { $case: 'jsonFormat', value: { ...EXCHANGE_LOG_FORMAT, ...more } } } },
  });

/** One JSON line per request to the mesh's access-log file; nothing when it has none. */
export const accessLogs = ({ accessLogFile }: MeshConfig): AccessLog[] =>
  accessLogFile === '' ? [] : [{ name: LOG, configType: { $case: 'typedConfig', value: toFile(accessLogFile) } }];

/** One line for each connection that carries no requests, when it ends: policies that refuse some say so nowhere else. */
export const connectionLogs = ({ accessLogFile }: MeshConfig): AccessLog[] =>
  accessLogFile === '' ? [] : [{ name: LOG, configType: { $case: 'typedConfig', value: toFile(accessLogFile, { kind: 'connection' }) } }];

/** One line for each connection that no chain of the listener takes: otherwise nobody could tell a refusal from a broken network. The line says what each port asks of its clients. */
export const refusalLogs = ({ accessLogFile }: MeshConfig, modes: readonly (readonly [port: number, mode: InboundMode])[]): AccessLog[] => {
  if (accessLogFile === '' || modes.every(([, mode]) => mode === 'DISABLE')) return [];
  const filter: AccessLog['filter'] = { filterSpecifier: { $case: 'responseFlagFilter', value: { flags: ['NR'] } } };
  const value = toFile(accessLogFile, { modes: Object.fromEntries(modes) });
  return [{ name: LOG, filter, configType: { $case: 'typedConfig', value } }];
};
