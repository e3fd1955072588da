/** Every command, for what is about all of them: completions and the wizard. */
import * as AgamemnonCommand from "./AgamemnonCommand.ts"
import * as AuditCommand from "./AuditCommand.ts"
import * as CancelCommand from "./CancelCommand.ts"
import * as CleanupCommand from "./CleanupCommand.ts"
import * as ForgetCommand from "./ForgetCommand.ts"
import * as ListCommand from "./ListCommand.ts"
import * as LogsCommand from "./LogsCommand.ts"
import * as PlanCommand from "./PlanCommand.ts"
import * as ResumeCommand from "./ResumeCommand.ts"
import * as RunCommand from "./RunCommand.ts"
import * as SchemaCommand from "./SchemaCommand.ts"
import * as StatusCommand from "./StatusCommand.ts"
import * as TeardownCommand from "./TeardownCommand.ts"
import * as ValidateCommand from "./ValidateCommand.ts"

export const all = [
  RunCommand.command,
  PlanCommand.command,
  ValidateCommand.command,
  ListCommand.command,
  StatusCommand.command,
  LogsCommand.command,
  CancelCommand.command,
  ResumeCommand.command,
  CleanupCommand.command,
  ForgetCommand.command,
  AuditCommand.command,
  TeardownCommand.command,
  SchemaCommand.command,
  AgamemnonCommand.command
] as const
