/* GLPK behind its shim: programs that are solved, programs that fault by a wrong argument, are stopped in the middle, lost
   and destroyed, in several threads at once, each with GLPK's environment of its own. */
#include "CGLPK.h"

#include "check.h"
#include <math.h>
#include <pthread.h>

/* Maximizes a knapsack's value: columns of weight 1, 2, 3, … and value a little more. */
static tonari_glpk *knapsack(int count, double capacity) {
  tonari_glpk *program = tonari_glpk_create();
  CHECK(program);
  CHECK(!tonari_glpk_add_rows(program, 1) && !tonari_glpk_add_cols(program, count));
  CHECK(!tonari_glpk_row_bounds(program, 1, -INFINITY, capacity));
  int *columns = calloc((size_t)count + 1, sizeof *columns);
  double *weights = calloc((size_t)count + 1, sizeof *weights);
  for (int col = 1; col <= count; col++) {
    columns[col] = col;
    weights[col] = col % 17 + 3;
    CHECK(!tonari_glpk_col_bounds(program, col, 0, 1));
    CHECK(!tonari_glpk_col_kind(program, col, GLP_IV));
    CHECK(!tonari_glpk_objective(program, col, -(weights[col] + (col % 5) * 0.1)));
  }
  CHECK(!tonari_glpk_set_row(program, 1, count, columns, weights));
  free(columns);
  free(weights);
  return program;
}

static int visits(void *info) { return ++*(int *)info > 2; }

static void visit(void *info, tonari_glpk_search *search) {
  if (++*(int *)info > 40) search->stop = 1;
}

static void *solve(void *argument) {
  (void)argument;
  for (int round = 0; round < 60; round++) {
    int count = 12 + round % 20, result = -1, status, calls = 0;
    tonari_glpk *program = knapsack(count, 40);
    glp_smcp simplex;
    glp_init_smcp(&simplex);
    CHECK(!tonari_glpk_simplex(program, &simplex, NULL, NULL, &result) && result == 0);
    double *values = calloc((size_t)count + 1, sizeof *values);
    CHECK(!tonari_glpk_col_values(program, values));
    glp_iocp options;
    glp_init_iocp(&options);
    CHECK(!tonari_glpk_intopt(program, &options, visit, NULL, &calls, &result));
    double objective;
    CHECK(!tonari_glpk_mip_result(program, &status, &objective));
    if (status == GLP_OPT || status == GLP_FEAS) CHECK(!tonari_glpk_mip_values(program, values));
    free(values);

    /* A wrong argument loses the program and no more. */
    tonari_glpk *other = knapsack(5, 10);
    CHECK(tonari_glpk_objective(program, 1000, 1) == TONARI_GLPK_FAULT);
    CHECK(strlen(tonari_glpk_message()) > 0);
    CHECK(tonari_glpk_add_cols(other, 1) == TONARI_GLPK_FAULT);
    tonari_glpk_destroy(program);
    tonari_glpk_destroy(other);

    /* So does a stop in the middle. */
    program = knapsack(300, 900);
    int looks = 0;
    simplex.msg_lev = GLP_MSG_ALL;
    simplex.out_frq = 1;
    int outcome = tonari_glpk_simplex(program, &simplex, visits, &looks, &result);
    CHECK(outcome == TONARI_GLPK_DONE || outcome == TONARI_GLPK_STOPPED);
    tonari_glpk_destroy(program);
  }
  CHECK(tonari_glpk_live() == 0);
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) CHECK(!pthread_create(&threads[i], NULL, solve, NULL));
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  return 0;
}
