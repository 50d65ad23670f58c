#ifndef TONARI_CGLPK_H
#define TONARI_CGLPK_H

#include <glpk.h>

/* GLPK as a caller can live with it: a wrong argument or a failed assertion inside of GLPK ends the call, not the
   process.

   GLPK keeps one environment for each thread. A program belongs to the thread that made it and is refused on any
   other. When a call faults, the thread's whole environment is freed: every program of the thread is lost with it and
   is refused from then on, until the last is destroyed or new ones are made. The environment goes with the thread's
   last program.

   A fault is a longjmp from GLPK's error hook to the function here that called GLPK. Callbacks return before anything
   jumps, so only frames of C are ever skipped. Called from a callback, every function here refuses, but for
   tonari_glpk_destroy: what it is given there, even the program that is being solved, is freed once the call that GLPK is
   at work on has ended.

   Rows and columns count from 1 and arrays leave their first element out, as in GLPK. Bounds may be infinite. */

typedef struct tonari_glpk tonari_glpk;

/* What a call comes to. */
enum {
  TONARI_GLPK_DONE = 0,
  TONARI_GLPK_FAULT = -1,   /* see tonari_glpk_message */
  TONARI_GLPK_STOPPED = -2, /* the watch said stop in the middle of an LP; the environment is lost as with a fault */
};

/* Says why this thread's last call faulted. */
const char *tonari_glpk_message(void);
/* How many programs this thread holds, and how many bytes GLPK has allocated for it. */
int tonari_glpk_live(void);
size_t tonari_glpk_bytes(void);

tonari_glpk *tonari_glpk_create(void);
void tonari_glpk_destroy(tonari_glpk *program);

int tonari_glpk_add_rows(tonari_glpk *program, int count);
int tonari_glpk_add_cols(tonari_glpk *program, int count);
int tonari_glpk_del_rows(tonari_glpk *program, int count, const int *rows);
int tonari_glpk_del_cols(tonari_glpk *program, int count, const int *cols);
int tonari_glpk_row_bounds(tonari_glpk *program, int row, double lower, double upper);
int tonari_glpk_col_bounds(tonari_glpk *program, int col, double lower, double upper);
int tonari_glpk_col_kind(tonari_glpk *program, int col, int kind);
int tonari_glpk_objective(tonari_glpk *program, int col, double coefficient);
int tonari_glpk_set_row(tonari_glpk *program, int row, int count, const int *cols, const double *values);
int tonari_glpk_set_col(tonari_glpk *program, int col, int count, const int *rows, const double *values);
int tonari_glpk_load(
  tonari_glpk *program, int count, const int *rows, const int *cols, const double *values);
int tonari_glpk_scale(tonari_glpk *program);
int tonari_glpk_advanced_basis(tonari_glpk *program);
int tonari_glpk_standard_basis(tonari_glpk *program);

/* Asked now and then whether to stop; nonzero stops. */
typedef int (*tonari_glpk_watch)(void *info);

/* Runs the simplex method; `*result` becomes glp_simplex's return code. */
int tonari_glpk_simplex(
  tonari_glpk *program, const glp_smcp *options, tonari_glpk_watch watch, void *info, int *result);

/* Runs the interior-point method; `*result` becomes glp_interior's return code, and GLP_EFAIL where it finds no optimum.
   `duals` then are those of rows 1 to n. */
int tonari_glpk_interior(tonari_glpk *program, int *result, double *duals);

/* Where a branch-and-bound search stands, and what the caller wants of it. */
typedef struct {
  int nodes;              /* subproblems so far */
  int open;               /* of them, those still open */
  double bound;           /* no solution is below it; -DBL_MAX while unknown */
  int has_incumbent;
  double incumbent;       /* objective of the best solution so far */
  const double *solution; /* values of columns from 1 where a new best solution was just found; else null */
  double *inject;         /* room for a feasible solution, values of columns from 1; null where none is taken */
  int injected;           /* answer: nonzero where there is a solution in `inject` */
  int stop;               /* answer: nonzero ends the search */
} tonari_glpk_search;

typedef void (*tonari_glpk_visit)(void *info, tonari_glpk_search *search);

/* Runs branch and bound with `visit` as its callback; `*result` becomes glp_intopt's return code. Without the presolver
   the program must hold an optimal basis; with it, solutions go in and out of another program: none are shown or
   taken. */
int tonari_glpk_intopt(
  tonari_glpk *program, const glp_iocp *options, tonari_glpk_visit visit, tonari_glpk_watch watch, void *info,
  int *result);

/* Figures of the last LP. Each `values` has an element for each row or column, and one more before. */
typedef struct {
  int status; /* glp_get_status */
  double objective;
  int iterations;
} tonari_glpk_lp;
int tonari_glpk_lp_result(tonari_glpk *program, tonari_glpk_lp *result);
int tonari_glpk_row_duals(tonari_glpk *program, double *values);
int tonari_glpk_row_values(tonari_glpk *program, double *values);
int tonari_glpk_col_values(tonari_glpk *program, double *values);
int tonari_glpk_col_duals(tonari_glpk *program, double *values);
/* Basis status of each column and row, GLP_BS and so on. */
int tonari_glpk_get_basis(tonari_glpk *program, int *rows, int *cols);
int tonari_glpk_set_basis(tonari_glpk *program, const int *rows, const int *cols);

/* Figures of the last branch and bound. */
int tonari_glpk_mip_result(tonari_glpk *program, int *status, double *objective);
int tonari_glpk_mip_values(tonari_glpk *program, double *values);

#endif
