#include "CGLPK.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_LIMIT_MB 2048

struct environment;

struct tonari_glpk {
  glp_prob *problem;
  struct environment *home;
  unsigned long generation;
  int is_condemned;         /* destroyed in a callback, and to be freed when GLPK is no longer at work */
  struct tonari_glpk *next; /* the next of those */
};

/* What a thread knows of its GLPK environment. */
struct environment {
  unsigned long generation; /* one more each time the environment was freed */
  int live;                 /* programs that were made and not destroyed */
  jmp_buf *jump;            /* set while GLPK is at work */
  tonari_glpk *condemned;   /* programs that were destroyed meanwhile */
  int why;                  /* what the jump was for */
  tonari_glpk_watch watch;
  void *watch_info;
  char message[512];
};

static _Thread_local struct environment here;

static void say(const char *message) { snprintf(here.message, sizeof here.message, "%s", message); }

static void leave(int why) {
  if (!here.jump) return;
  here.why = why;
  longjmp(*here.jump, 1);
}

/* GLPK calls it after it has said on the terminal what is wrong; it would abort if this returned. */
static void on_error(void *info) {
  (void)info;
  leave(TONARI_GLPK_FAULT);
}

/* Every line GLPK would print comes here, and nothing reaches the terminal. The first line of an error is its message;
   the lines of progress are the only chance to look up while an LP takes long. */
static int on_output(void *info, const char *text) {
  (void)info;
  if (glp_at_error()) {
    if (here.message[0] == '\0') {
      say(text);
      here.message[strcspn(here.message, "\n")] = '\0';
    }
  } else if (here.watch && here.watch(here.watch_info)) {
    leave(TONARI_GLPK_STOPPED);
  }
  return 1;
}

static void open_environment(void) {
  glp_init_env();
  glp_term_out(GLP_ON);
  glp_term_hook(on_output, NULL);
  glp_error_hook(on_error, NULL);
  /* A tree that grows beyond this is an error like any other, and not the end of the process. */
  glp_mem_limit(MEMORY_LIMIT_MB);
}

static void close_environment(void) {
  glp_free_env();
  here.generation++;
}

/* Ends a call: GLPK is no longer at work, and what callbacks destroyed can be freed. */
static int finish(int code) {
  here.jump = NULL;
  while (here.condemned) {
    tonari_glpk *program = here.condemned;
    here.condemned = program->next;
    program->is_condemned = 0;
    tonari_glpk_destroy(program);
  }
  return code;
}

/* Ends a call that jumped. */
static int recover(void) {
  here.jump = NULL;
  here.watch = NULL;
  close_environment();
  if (here.why == TONARI_GLPK_STOPPED) say("stopped in the middle of an LP");
  return finish(here.why);
}

static int refuse(const tonari_glpk *program) {
  if (program->home != &here) {
    say("the program belongs to another thread");
  } else if (program->generation != here.generation) {
    say("the program was lost when an earlier call on this thread failed");
  } else if (here.jump) {
    say("GLPK is at work on this thread");
  } else {
    here.message[0] = '\0';
    return 0;
  }
  return 1;
}

/* Between BEGIN and END stands a call of GLPK; nothing there may need a local variable that it changes. */
#define BEGIN(program)                            \
  if (refuse(program)) return TONARI_GLPK_FAULT;  \
  jmp_buf jump;                                   \
  if (setjmp(jump)) return recover();             \
  here.jump = &jump;                              \
  glp_prob *P = (program)->problem;
#define END return finish(TONARI_GLPK_DONE);

const char *tonari_glpk_message(void) { return here.message; }

int tonari_glpk_live(void) { return here.live; }

size_t tonari_glpk_bytes(void) {
  if (here.live == 0) return 0;
  size_t total = 0;
  glp_mem_usage(NULL, NULL, &total, NULL);
  return total;
}

tonari_glpk *tonari_glpk_create(void) {
  if (here.jump) {
    say("GLPK is at work on this thread");
    return NULL;
  }
  here.message[0] = '\0';
  tonari_glpk *program = calloc(1, sizeof *program);
  if (!program) {
    say("out of memory");
    return NULL;
  }
  jmp_buf jump;
  if (setjmp(jump)) {
    recover();
    free(program);
    return NULL;
  }
  here.jump = &jump;
  open_environment();
  program->problem = glp_create_prob();
  here.jump = NULL;
  program->home = &here;
  program->generation = here.generation;
  here.live++;
  return program;
}

void tonari_glpk_destroy(tonari_glpk *program) {
  /* Another thread's memory cannot be freed from here: leaking it is the least harm. */
  if (program->home != &here || program->is_condemned) return;
  /* A callback: GLPK may be reading this very program, and the environment is in use. */
  if (here.jump) {
    program->is_condemned = 1;
    program->next = here.condemned;
    here.condemned = program;
    return;
  }
  if (program->generation == here.generation) {
    jmp_buf jump;
    if (setjmp(jump)) {
      recover();
    } else {
      here.jump = &jump;
      glp_delete_prob(program->problem);
      here.jump = NULL;
    }
  }
  free(program);
  here.live--;
  if (here.live == 0) close_environment();
}

int tonari_glpk_add_rows(tonari_glpk *program, int count) {
  BEGIN(program)
  glp_add_rows(P, count);
  END
}

int tonari_glpk_add_cols(tonari_glpk *program, int count) {
  BEGIN(program)
  glp_add_cols(P, count);
  END
}

int tonari_glpk_del_rows(tonari_glpk *program, int count, const int *rows) {
  BEGIN(program)
  glp_del_rows(P, count, rows);
  END
}

int tonari_glpk_del_cols(tonari_glpk *program, int count, const int *cols) {
  BEGIN(program)
  glp_del_cols(P, count, cols);
  END
}

static int bound_type(double lower, double upper) {
  int below = isfinite(lower), above = isfinite(upper);
  if (below && above) return lower == upper ? GLP_FX : GLP_DB;
  return below ? GLP_LO : above ? GLP_UP : GLP_FR;
}

int tonari_glpk_row_bounds(tonari_glpk *program, int row, double lower, double upper) {
  BEGIN(program)
  glp_set_row_bnds(P, row, bound_type(lower, upper), lower, upper);
  END
}

int tonari_glpk_col_bounds(tonari_glpk *program, int col, double lower, double upper) {
  BEGIN(program)
  glp_set_col_bnds(P, col, bound_type(lower, upper), lower, upper);
  END
}

int tonari_glpk_col_kind(tonari_glpk *program, int col, int kind) {
  BEGIN(program)
  glp_set_col_kind(P, col, kind);
  END
}

int tonari_glpk_objective(tonari_glpk *program, int col, double coefficient) {
  BEGIN(program)
  glp_set_obj_coef(P, col, coefficient);
  END
}

int tonari_glpk_set_row(tonari_glpk *program, int row, int count, const int *cols, const double *values) {
  BEGIN(program)
  glp_set_mat_row(P, row, count, cols, values);
  END
}

int tonari_glpk_set_col(tonari_glpk *program, int col, int count, const int *rows, const double *values) {
  BEGIN(program)
  glp_set_mat_col(P, col, count, rows, values);
  END
}

int tonari_glpk_load(
  tonari_glpk *program, int count, const int *rows, const int *cols, const double *values) {
  BEGIN(program)
  glp_load_matrix(P, count, rows, cols, values);
  END
}

int tonari_glpk_scale(tonari_glpk *program) {
  BEGIN(program)
  glp_scale_prob(P, GLP_SF_AUTO);
  END
}

int tonari_glpk_advanced_basis(tonari_glpk *program) {
  BEGIN(program)
  glp_adv_basis(P, 0);
  END
}

int tonari_glpk_standard_basis(tonari_glpk *program) {
  BEGIN(program)
  glp_std_basis(P);
  END
}

int tonari_glpk_simplex(
  tonari_glpk *program, const glp_smcp *options, tonari_glpk_watch watch, void *info, int *result) {
  BEGIN(program)
  here.watch = watch;
  here.watch_info = info;
  *result = glp_simplex(P, options);
  here.watch = NULL;
  END
}

int tonari_glpk_interior(tonari_glpk *program, int *result, double *duals) {
  BEGIN(program)
  glp_iptcp parameters;
  glp_init_iptcp(&parameters);
  parameters.msg_lev = GLP_MSG_OFF;
  *result = glp_interior(P, &parameters);
  if (*result == 0 && glp_ipt_status(P) != GLP_OPT) *result = GLP_EFAIL;
  if (*result == 0) {
    for (int i = glp_get_num_rows(P); i > 0; i--) duals[i] = glp_ipt_row_dual(P, i);
  }
  END
}

struct visitor {
  tonari_glpk_visit visit;
  void *info;
  int presolve;
  double bound;
  double incumbent; /* the best that was shown; GLPK says GLP_IBINGO only for solutions of node LPs */
  double *values; /* what is shown */
  double *room;   /* what is taken */
};

/* The bound can only rise; a tree that is empty in the middle of an event says nothing about it. */
static double best_bound(glp_tree *tree, double known) {
  int node = glp_ios_best_node(tree);
  if (node == 0) return known;
  double bound = glp_ios_node_bound(tree, node);
  return bound > known ? bound : known;
}

static void on_event(glp_tree *tree, void *info) {
  struct visitor *visitor = info;
  glp_prob *P = glp_ios_get_prob(tree);
  tonari_glpk_search search;
  memset(&search, 0, sizeof search);
  glp_ios_tree_size(tree, &search.open, NULL, &search.nodes);
  visitor->bound = best_bound(tree, visitor->bound);
  search.bound = visitor->bound;
  int status = glp_mip_status(P);
  if (status == GLP_FEAS || status == GLP_OPT) {
    search.has_incumbent = 1;
    search.incumbent = glp_mip_obj_val(P);
    if (!visitor->presolve && search.incumbent < visitor->incumbent) {
      visitor->incumbent = search.incumbent;
      for (int j = glp_get_num_cols(P); j > 0; j--) visitor->values[j] = glp_mip_col_val(P, j);
      search.solution = visitor->values;
    }
  }
  if (glp_ios_reason(tree) == GLP_IHEUR && !visitor->presolve) search.inject = visitor->room;

  visitor->visit(visitor->info, &search);

  if (search.inject && search.injected) glp_ios_heur_sol(tree, search.inject);
  if (search.stop) glp_ios_terminate(tree);
}

int tonari_glpk_intopt(
  tonari_glpk *program, const glp_iocp *options, tonari_glpk_visit visit, tonari_glpk_watch watch, void *info,
  int *result) {
  if (refuse(program)) return TONARI_GLPK_FAULT;
  /* Made before the jump is set, so that they can be freed after it. */
  size_t count = (size_t)glp_get_num_cols(program->problem) + 1;
  struct visitor *visitor = calloc(1, sizeof *visitor);
  double *values = calloc(count, 2 * sizeof *values);
  glp_iocp settings = *options;
  if (!visitor || !values) {
    free(visitor);
    free(values);
    say("out of memory");
    return TONARI_GLPK_FAULT;
  }
  visitor->visit = visit;
  visitor->info = info;
  visitor->presolve = options->presolve;
  visitor->bound = -DBL_MAX;
  visitor->incumbent = DBL_MAX;
  visitor->values = values;
  visitor->room = values + count;
  settings.cb_func = on_event;
  settings.cb_info = visitor;

  jmp_buf jump;
  if (setjmp(jump)) {
    recover();
  } else {
    here.jump = &jump;
    here.watch = watch;
    here.watch_info = info;
    *result = glp_intopt(program->problem, &settings);
    here.watch = NULL;
    here.why = TONARI_GLPK_DONE;
  }
  free(visitor);
  free(values);
  return finish(here.why);
}

int tonari_glpk_lp_result(tonari_glpk *program, tonari_glpk_lp *result) {
  BEGIN(program)
  result->status = glp_get_status(P);
  result->objective = glp_get_obj_val(P);
  result->iterations = glp_get_it_cnt(P);
  END
}

int tonari_glpk_row_duals(tonari_glpk *program, double *values) {
  BEGIN(program)
  for (int i = glp_get_num_rows(P); i > 0; i--) values[i] = glp_get_row_dual(P, i);
  END
}

int tonari_glpk_row_values(tonari_glpk *program, double *values) {
  BEGIN(program)
  for (int i = glp_get_num_rows(P); i > 0; i--) values[i] = glp_get_row_prim(P, i);
  END
}

int tonari_glpk_col_values(tonari_glpk *program, double *values) {
  BEGIN(program)
  for (int j = glp_get_num_cols(P); j > 0; j--) values[j] = glp_get_col_prim(P, j);
  END
}

int tonari_glpk_col_duals(tonari_glpk *program, double *values) {
  BEGIN(program)
  for (int j = glp_get_num_cols(P); j > 0; j--) values[j] = glp_get_col_dual(P, j);
  END
}

int tonari_glpk_get_basis(tonari_glpk *program, int *rows, int *cols) {
  BEGIN(program)
  for (int i = glp_get_num_rows(P); i > 0; i--) rows[i] = glp_get_row_stat(P, i);
  for (int j = glp_get_num_cols(P); j > 0; j--) cols[j] = glp_get_col_stat(P, j);
  END
}

int tonari_glpk_set_basis(tonari_glpk *program, const int *rows, const int *cols) {
  BEGIN(program)
  for (int i = glp_get_num_rows(P); i > 0; i--) glp_set_row_stat(P, i, rows[i]);
  for (int j = glp_get_num_cols(P); j > 0; j--) glp_set_col_stat(P, j, cols[j]);
  END
}

int tonari_glpk_mip_result(tonari_glpk *program, int *status, double *objective) {
  BEGIN(program)
  *status = glp_mip_status(P);
  *objective = glp_mip_obj_val(P);
  END
}

int tonari_glpk_mip_values(tonari_glpk *program, double *values) {
  BEGIN(program)
  for (int j = glp_get_num_cols(P); j > 0; j--) values[j] = glp_mip_col_val(P, j);
  END
}
