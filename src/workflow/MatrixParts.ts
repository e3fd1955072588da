/** The matrix of a task of a workflow that is written in TypeScript: its lists, and the types of the values of an instance. */
import type * as Arr from "effect/Array"
import type { Expression, Scalar } from "./WorkflowExpression.ts"

/** A value of a matrix. What is an expression is evaluated before the run, or when the task is due. */
export type MatrixValue =
  | Scalar
  | null
  | Expression<unknown>
  | ReadonlyArray<MatrixValue>
  | { readonly [name: string]: MatrixValue }

/** A list of values, or an expression that has one. */
export type MatrixList = Arr.NonEmptyReadonlyArray<MatrixValue> | Expression<ReadonlyArray<unknown>>

/** The lists of a matrix by their names. What is included and excluded is said beside them. */
export type MatrixLists = Readonly<Record<string, MatrixList>> & { readonly include?: never; readonly exclude?: never }

/** What a matrix includes: values for combinations, or combinations of their own. */
export type MatrixIncluded = ReadonlyArray<Readonly<Record<string, MatrixValue>>> | Expression<ReadonlyArray<unknown>>

/** What there is to say of a matrix beside its lists. */
export interface MatrixOptions<Lists extends MatrixLists, Included extends MatrixIncluded> {
  readonly include?: Included | undefined
  /** The combinations that are left out: those that have all of the values of one of these. */
  readonly exclude?:
    | ReadonlyArray<{ readonly [Name in keyof Lists]?: ItemOf<Lists[Name]> | Expression<unknown> }>
    | Expression<ReadonlyArray<unknown>>
    | undefined
}

/** What an item is of which the compiler knows nothing: the run refuses a list or a map where a text is needed. */
type Known<A> = unknown extends A ? Scalar : A

type ValueOf<Value> = Value extends Expression<infer A> ? Known<A> : Value

type ItemOf<List> = List extends Expression<ReadonlyArray<infer A>> ? Known<A>
  : List extends ReadonlyArray<infer Item> ? ValueOf<Item>
  : never

type KeyOf<Item> = Item extends unknown ? keyof Item & string : never

type At<Item, Name extends string> = Item extends { readonly [Key in Name]: infer Value } ? ValueOf<Value> : never

/** The names of the values of an instance: any, where only the run shows what is included. */
type NameOf<Lists, Included> =
  | (keyof Lists & string)
  | (Included extends ReadonlyArray<infer Item> ? KeyOf<Item> : string)

type MatrixItem<Lists, Included, Name extends string> =
  | (Name extends keyof Lists ? ItemOf<Lists[Name]> : never)
  | (Included extends ReadonlyArray<infer Item> ? At<Item, Name> : Scalar)

/** The values of an instance, by their names. */
export type MatrixValues<Lists extends MatrixLists, Included extends MatrixIncluded> = {
  readonly [Name in NameOf<Lists, Included>]: MatrixItem<Lists, Included, Name>
}

/** A matrix, whatever its values are. */
export interface AnyMatrix {
  readonly _tag: "Matrix"
  readonly lists: Readonly<Record<string, MatrixList>>
  readonly include: MatrixIncluded | undefined
  readonly exclude: ReadonlyArray<object> | Expression<ReadonlyArray<unknown>> | undefined
}

/** A matrix whose instances have these values. */
export interface WorkflowMatrix<Values extends Readonly<Record<string, unknown>>> extends AnyMatrix {
  /** A value of an instance by its name, for the texts of the task that has this matrix. */
  readonly value: <Name extends keyof Values & string>(name: Name) => Expression<Values[Name]>
}

/** What is one of a task, and one of each instance of a task with a matrix. */
export type Each<Matrix, A> = Matrix extends AnyMatrix ? ReadonlyArray<A> : A

/** The names of the values of a matrix, as far as the compiler knows them. */
export type NameIn<Matrix> = Matrix extends { readonly value: (name: infer Name extends string) => unknown } ? Name : string
