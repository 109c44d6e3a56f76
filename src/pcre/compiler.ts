import { assertNever } from "../lib/errors.ts";
import { assertionStep } from "./assertion-steps.ts";
import { callStep, closeTrackedStep, endStep } from "./call-steps.ts";
import { addResume, bodyOf } from "./compile-context.ts";
import type { CompileContext, Tail } from "./compile-context.ts";
import { compileAlternation, compileGroup } from "./compile-group.ts";
import { compileConditional, compileLook, isSet } from "./compile-look.ts";
import { compileRepeat } from "./compile-repeat.ts";
import { closeStep, keepStep } from "./group-steps.ts";
import { fail } from "./machine.ts";
import type { Barrier, Machine, Step } from "./machine.ts";
import { ANYTHING, createFacts, FINAL, followedBy } from "./node-facts.ts";
import type { NodeFacts } from "./node-facts.ts";
import type { Survey } from "./pattern-survey.ts";
import type {
  LiteralNode,
  ParsedPattern,
  PatternSettings,
  ReferenceNode,
  SequenceNode,
  SyntaxNode,
  VerbNode,
} from "./syntax.ts";
import { caselessStep, literalStep, referenceStep, setStep } from "./text-steps.ts";
import { barrierStep, failStep, passSkipArgumentStep, passVerbStep, triggerStep } from "./verb-steps.ts";

/** A pattern as steps. */
export interface Program {
  readonly entry: Step;
  readonly resume: readonly Step[];
  readonly barriers: readonly (Barrier | null)[];
  /** Register pairs the machine needs. */
  readonly pairs: number;
  /** The pair (highest capture + 1, frame numbers in use), -1 without calls. */
  readonly top: number;
  readonly facts: NodeFacts;
}

function isLetter(text: string): boolean {
  return /^[A-Za-z]$/.test(text);
}

/** Joins neighbouring bytes into one literal. A byte without case fits either kind. */
function joinLiterals(items: readonly SyntaxNode[]): readonly SyntaxNode[] {
  const joined: SyntaxNode[] = [];
  for (const item of items) {
    const last = joined.at(-1);
    const literal = item.kind === "literal" ? withoutIdleCase(item) : item;
    if (last?.kind === "literal" && literal.kind === "literal" && last.caseless === literal.caseless)
      joined[joined.length - 1] = { ...last, text: last.text + literal.text };
    else joined.push(literal);
  }
  return joined;
}

function withoutIdleCase(node: LiteralNode): LiteralNode {
  return node.caseless && node.text.length === 1 && !isLetter(node.text)
    ? { ...node, caseless: false }
    : node;
}

function compileSequence(context: CompileContext, node: SequenceNode, tail: Tail): Step {
  let { step, first } = tail;
  for (const item of joinLiterals(node.items).toReversed()) {
    step = compile(context, item, { step, first });
    first = followedBy(context.factsOf(item), first);
  }
  return step;
}

function compileReference(context: CompileContext, node: ReferenceNode, next: Step): Step {
  const test = isSet(context);
  const { groups } = node;
  const groupOf = (m: Machine): number => groups.find((group) => test(m, group)) ?? -1;
  return referenceStep(groupOf, node.caseless, next);
}

/** `(*ACCEPT)` closes the open captures of its lookaround, or of the pattern; inside a call it only returns. */
function compileAccept(context: CompileContext): Step {
  const depth = context.acceptTargets.length;
  let step = context.acceptTargets.at(-1) ?? context.end;
  for (const open of context.openCaptures) {
    if (open.lookDepth < depth) continue;
    step =
      context.survey.called.size > 0
        ? closeTrackedStep(context.layout, open, step)
        : closeStep(open.capture, open.startPair, step);
  }
  if (context.survey.called.size === 0) return step;
  const outside = step;
  return (m) => ((m.regs[1] ?? -1) >= 0 ? context.end : outside);
}

function compileVerb(context: CompileContext, node: VerbNode, next: Step): Step {
  const { verb, argument, at } = node;
  if (verb === "accept") return compileAccept(context);
  const name = argument ?? "";
  if (verb === "mark") {
    if (!context.survey.hasSkipArgument) return next;
    return barrierStep(addResume(context, failStep, { kind: "mark", name }), next);
  }
  if (verb === "skip" && argument !== null) {
    const trigger = addResume(context, triggerStep("skip-argument", { at, name }));
    return passSkipArgumentStep(trigger, next);
  }
  return passVerbStep(addResume(context, triggerStep(verb, { at, name })), next);
}

function compileCall(context: CompileContext, group: number, next: Step): Step {
  const hasVerbs = context.survey.hasActingVerbs;
  const barrier = hasVerbs ? addResume(context, failStep, { kind: "call", group }) : -1;
  const back = addResume(context, next);
  return callStep(context.layout, { group, body: bodyOf(context, group), back, barrier });
}

/** Compiles a node so that `tail` follows it. Recurses as deep as groups are nested, which the parser bounds. */
function compile(context: CompileContext, node: SyntaxNode, tail: Tail): Step {
  switch (node.kind) {
    case "empty":
      return tail.step;
    case "literal": {
      const { text, caseless } = withoutIdleCase(node);
      return caseless ? caselessStep(text, tail.step) : literalStep(text, tail.step);
    }
    case "set":
      return setStep(node.set, tail.step);
    case "assertion":
      return assertionStep(node.test, context.parsed.settings.newline, tail.step);
    case "keep":
      return keepStep(tail.step);
    case "fail":
      return fail;
    case "sequence":
      return compileSequence(context, node, tail);
    case "alternation":
      return compileAlternation(context, node, { tail, compile });
    case "group":
      return compileGroup(context, node, { tail, compile });
    case "look":
      return compileLook(context, node, { tail, compile });
    case "repeat":
      return compileRepeat(context, node, { tail, compile });
    case "reference":
      return compileReference(context, node, tail.step);
    case "call":
      return compileCall(context, node.group, tail.step);
    case "conditional":
      return compileConditional(context, node, { tail, compile });
    case "verb":
      return compileVerb(context, node, tail.step);
    default:
      return assertNever(node);
  }
}

function emptyTest(settings: PatternSettings): ((m: Machine) => boolean) | null {
  if (settings.notEmpty) return (m) => m.regs[0] === m.pos;
  if (settings.notEmptyAtStart) return (m) => m.regs[0] === m.pos && m.pos === m.from;
  return null;
}

/** Compiles a parsed pattern. */
export function compileProgram(parsed: ParsedPattern, survey: Survey): Program {
  const { groupCount } = parsed;
  const hasCalls = survey.called.size > 0;
  const top = hasCalls ? groupCount + 1 : -1;
  const context: CompileContext = {
    parsed,
    survey,
    factsOf: createFacts(parsed.settings.newline),
    resume: [],
    barriers: [],
    bodies: new Map(),
    layout: { groupCount, pairs: 0, top },
    openCaptures: [],
    acceptTargets: [],
    end: endStep(emptyTest(parsed.settings), hasCalls),
    pairs: groupCount + (hasCalls ? 2 : 1),
  };
  const mayRefuse = parsed.settings.notEmpty || parsed.settings.notEmptyAtStart;
  const entry = compile(context, parsed.root, { step: context.end, first: mayRefuse ? ANYTHING : FINAL });
  bodyOf(context, 0).step = entry;
  context.layout.pairs = context.pairs;
  const { resume, barriers, pairs } = context;
  return { entry, resume, barriers, pairs, top, facts: context.factsOf(parsed.root) };
}
