/** One line per finished exchange: AccessLog messages compiled into observers. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { type AccessLog, type Any, FileAccessLog, StdoutAccessLog } from '#envoy';
import type { System } from '#system/system.ts';
import type { FinishedStream, StreamObserver } from '../http/connection-manager.ts';
import { DEFAULT_FORMAT, jsonLine, textLine } from './access-log-format.ts';

type Line = (finished: FinishedStream) => string;

const formatOf = (message: FileAccessLog | StdoutAccessLog): Line => {
  const chosen = message.accessLogFormat;
  if (!chosen) return textLine(DEFAULT_FORMAT);
  switch (chosen.$case) {
    case 'format':
      return inField('format', () => textLine(chosen.value === '' ? DEFAULT_FORMAT : chosen.value));
    case 'jsonFormat':
      return inField('json_format', () => jsonLine(chosen.value ?? {}));
    case 'typedJsonFormat':
      return inField('typed_json_format', () => jsonLine(chosen.value ?? {}));
    case 'logFormat':
      return inField('log_format', () => {
        // The content type is for local replies; keys are sorted whether asked or not.
        refuseUnsupported(chosen.value, { read: ['format', 'omitEmptyValues'], ignored: ['contentType', 'jsonFormatOptions'] });
        const { format, omitEmptyValues: omitEmpty } = chosen.value;
        if (format?.$case === 'textFormat') return inField('text_format', () => textLine(format.value, { omitEmpty }));
        if (format?.$case === 'jsonFormat') return inField('json_format', () => jsonLine(format.value ?? {}, { omitEmpty }));
        const source = format?.value.specifier;
        if (source?.$case !== 'inlineString') throw new ConfigError('text_format_source', 'only inline_string is supported by this proxy');
        return inField('text_format_source.inline_string', () => textLine(source.value, { omitEmpty }));
      });
  }
};

const writerOf = (config: Any, system: System): StreamObserver => {
  const type = config.typeUrl.slice(config.typeUrl.lastIndexOf('/') + 1);
  if (type === 'envoy.extensions.access_loggers.file.v3.FileAccessLog') {
    const file = FileAccessLog.decode(config.value);
    refuseUnsupported(file, { read: ['path', 'accessLogFormat'] });
    if (file.path === '') throw new ConfigError('path', 'must not be empty');
    const line = formatOf(file);
    return (finished) => system.appendLine(file.path, line(finished));
  }
  if (type === 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog') {
    const stdout = StdoutAccessLog.decode(config.value);
    refuseUnsupported(stdout, { read: ['accessLogFormat'] });
    const line = formatOf(stdout);
    return (finished) => system.appendLine('/dev/stdout', line(finished));
  }
  throw new ConfigError('type_url', `${type} is not supported by this proxy`);
};

/** The observers that write these logs. Throws ConfigError with the path below the list, e.g. `[0].typed_config.path`. */
export const compileAccessLogs = (logs: readonly AccessLog[], system: System): StreamObserver[] =>
  logs.map((log, index) =>
    inField(`[${index}]`, () => {
      refuseUnsupported(log, { read: ['name', 'configType'] });
      const config = log.configType;
      if (!config) throw new ConfigError('typed_config', 'is missing');
      return inField('typed_config', () => writerOf(config.value, system));
    }),
  );
