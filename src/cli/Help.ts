/** Texts of the help. */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Span from "@effect/cli/HelpDoc/Span"

/** Describes a command, with examples of how to use it. */
export const describe = (
  sentence: string,
  examples: ReadonlyArray<readonly [commandLine: string, effect: string]>
): HelpDoc.HelpDoc =>
  HelpDoc.blocks([
    HelpDoc.p(sentence),
    HelpDoc.h2("Examples"),
    ...examples.map(([commandLine, effect]) => HelpDoc.p(Span.spans([Span.code(`$ ${commandLine}`), Span.text(`  # ${effect}`)])))
  ])
