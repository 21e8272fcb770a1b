// Codes of the gatehouse command (STYLE 27). Callers compare `code`; people read message and hint.
import { GatewayError } from '@gatehouse/daemon/errors';

/** Everything that the command itself can complain about. */
export type CliErrorCode =
  | 'ERR_CLI_NOT_IN_BUILD'
  | 'ERR_CLI_DATA_FOLDER'
  | 'ERR_CLI_CORE_API'
  | 'ERR_CLI_PROBE_FAILED'
  | 'ERR_CLI_NOT_RUNNING'
  | 'ERR_CLI_ALREADY_RUNNING'
  | 'ERR_CLI_USAGE'
  | 'ERR_CLI_PORT_TAKEN';

/** A fault of the command with what to do about it. */
export function cliError(
  code: CliErrorCode,
  message: string,
  hint: string,
  cause?: unknown,
): GatewayError<CliErrorCode> {
  return new GatewayError(code, message, { hint, cause });
}

/** Two lines for the terminal: code and message, then what to do. */
export function formatError(error: unknown): string {
  if (error instanceof GatewayError) return `${error.code} ${error.message}\n${error.hint}\n`;
  return `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`;
}
