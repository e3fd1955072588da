/**
 * How the API of runs tells an error: with the status of its kind, its tag, its
 * fields, and the sentence that the command says.
 */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { JournalError, LeaseExpiredError, RunElsewhereError, RunOwnedError, RunUnknownError } from "../run/JournalError.ts"
import { NoSchedulesError, ScheduleBusyError, ScheduleRefusedError } from "../cluster/ScheduleError.ts"
import { GateError } from "../run/GateLookup.ts"
import { ScheduleAmbiguousError, ScheduleUnknownError } from "../run/RunSchedules.ts"
import { NothingToResumeError } from "../run/NothingToResume.ts"
import { TaskUnknownError } from "../run/TaskLookup.ts"
import { RunForgottenError, RunNameError } from "../store/RunLookupError.ts"
import { RunNotOverError } from "../store/RunStore.ts"
import { RunAmbiguousError } from "../store/RunSummary.ts"
import { InputsInvalidError } from "../workflow/Inputs.ts"
import { WorkflowUnreadable } from "../workflow/WorkflowUnreadable.ts"
import { WorkflowInvalid } from "../workflow/WorkflowProblem.ts"

const Message = Schema.Struct({ message: Schema.String })

/** An error whose sentence is made from its fields, with the sentence. */
const told = <A extends { readonly message: string }, I>(error: Schema.Schema<A, I>, identifier: string, status: number) =>
  Schema.transformOrFail(Schema.extend(Schema.encodedSchema(error), Message), Schema.typeSchema(error), {
    strict: true,
    decode: (written) => ParseResult.decode(error)(written),
    encode: (given) => ParseResult.map(ParseResult.encode(error)(given), (fields) => ({ ...fields, message: given.message }))
  }).annotations({ identifier, ...HttpApiSchema.annotations({ status }) })

/** Errors about the run that is named. */
export const RunUnknown = told(RunUnknownError, "RunUnknownError", 404)
export const RunForgotten = told(RunForgottenError, "RunForgottenError", 410)
export const RunAmbiguous = told(RunAmbiguousError, "RunAmbiguousError", 409)
export const RunName = told(RunNameError, "RunNameError", 409)
export const RunNotOver = told(RunNotOverError, "RunNotOverError", 409)
export const RunOwned = told(RunOwnedError, "RunOwnedError", 409)
export const LeaseExpired = told(LeaseExpiredError, "LeaseExpiredError", 409)
export const RunElsewhere = told(RunElsewhereError, "RunElsewhereError", 409)
export const NothingToResume = told(NothingToResumeError, "NothingToResumeError", 409)
export const TaskUnknown = told(TaskUnknownError, "TaskUnknownError", 404)
export const Gate = GateError.annotations({ identifier: "GateError", ...HttpApiSchema.annotations({ status: 409 }) })

/** Errors about the schedule that is named. */
export const ScheduleUnknown = told(ScheduleUnknownError, "ScheduleUnknownError", 404)
export const ScheduleAmbiguous = told(ScheduleAmbiguousError, "ScheduleAmbiguousError", 409)
export const ScheduleBusy = told(ScheduleBusyError, "ScheduleBusyError", 409)
export const ScheduleRefused = told(ScheduleRefusedError, "ScheduleRefusedError", 422)
export const NoSchedules = told(NoSchedulesError, "NoSchedulesError", 422)

/** Errors about the workflow that is given. */
export const Invalid = told(WorkflowInvalid, "WorkflowInvalid", 422)
export const InputsInvalid = told(InputsInvalidError, "InputsInvalidError", 422)
export const Unreadable = told(WorkflowUnreadable, "WorkflowUnreadable", 422)

/** The database does not answer, or not as it should. */
export const Journal = told(JournalError, "JournalError", 503)

/** The request has no key, or one that is not known. */
export class UnauthorizedError extends Schema.TaggedError<UnauthorizedError>()("UnauthorizedError", {
  message: Schema.String
}, HttpApiSchema.annotations({ status: 401 })) {}

/** The key may look, and change nothing. */
export class ForbiddenError extends Schema.TaggedError<ForbiddenError>()("ForbiddenError", {
  message: Schema.String
}, HttpApiSchema.annotations({ status: 403 })) {}

/** As many streams are open, or requests under way, as there can be, or an answer has taken too long. */
export class BusyError extends Schema.TaggedError<BusyError>()("BusyError", {
  message: Schema.String
}, HttpApiSchema.annotations({ status: 503 })) {}

/** There is no log of a task here, or not of that attempt. */
export class LogUnavailableError extends Schema.TaggedError<LogUnavailableError>()("LogUnavailableError", {
  message: Schema.String
}, HttpApiSchema.annotations({ status: 404 })) {}
