// Pages come before the reference of functions, whatever the words.
// biome-ignore lint/correctness/noUnusedVariables: the search reads it
var Scorer = {
  score: ([docname, , , , score]) => score - (/^api|^genindex/.test(docname) ? 100 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
