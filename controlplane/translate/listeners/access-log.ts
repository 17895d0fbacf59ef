/** The exchange record, as an access log that every data plane can write. Pure. */
import { EXCHANGE_LOG_FORMAT } from '#api/exchange.ts';
import type { AccessLog } from '#envoy';
import type { MeshConfig } from '../../mesh/mesh.ts';
import { pack } from '../pack.ts';

/** One JSON line per request to the mesh's access-log file; nothing when it has none. */
export const accessLogs = ({ accessLogFile }: MeshConfig): AccessLog[] => {
  if (accessLogFile === '') return [];
  const config = pack('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
    path: accessLogFile,
    accessLogFormat: { $case: 'logFormat', value: { format: { $case: 'jsonFormat', value: { ...EXCHANGE_LOG_FORMAT } } } },
  });
  return [{ name: 'envoy.access_loggers.file', configType: { $case: 'typedConfig', value: config } }];
};
