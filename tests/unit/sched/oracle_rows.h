#ifndef TESTS_UNIT_SCHED_ORACLE_ROWS_H
#define TESTS_UNIT_SCHED_ORACLE_ROWS_H

/* The least cost of the instances of tests/oracle/instance.h, proven by GLPK:
 * bench_sched_oracle --fixtures 80. */

#include <stdbool.h>
#include <stdint.h>

struct oracle_row {
    uint64_t seed;
    bool feasible;
    uint64_t kbps;
};

static const struct oracle_row oracle_rows[] = {
    {1, true, 183000},  {2, true, 0},    {3, true, 0},       {4, true, 61},
    {5, true, 27000},   {6, false, 0},   {7, true, 249000},  {8, true, 0},
    {9, true, 0},       {10, true, 0},   {11, true, 0},      {12, true, 339},
    {13, true, 8000},   {14, true, 0},   {15, true, 0},      {16, true, 0},
    {17, true, 0},      {18, true, 139}, {19, true, 259000}, {20, true, 60},
    {21, true, 0},      {22, true, 0},   {23, true, 0},      {24, true, 33},
    {25, true, 0},      {26, true, 0},   {27, true, 0},      {28, true, 102},
    {29, true, 0},      {30, true, 0},   {31, true, 46000},  {32, true, 0},
    {33, true, 105000}, {34, true, 0},   {35, true, 0},      {36, false, 0},
    {37, true, 0},      {38, true, 0},   {39, true, 0},      {40, true, 133},
    {41, true, 52000},  {42, true, 0},   {43, true, 0},      {44, true, 0},
    {45, true, 0},      {46, true, 106}, {47, true, 87000},  {48, true, 0},
    {49, true, 0},      {50, true, 0},   {51, true, 23000},  {52, true, 107},
    {53, true, 83000},  {54, true, 130}, {55, true, 0},      {56, true, 80},
    {57, true, 0},      {58, true, 47},  {59, true, 42000},  {60, true, 147},
    {61, true, 0},      {62, true, 0},   {63, true, 17000},  {64, false, 0},
    {65, true, 0},      {66, true, 0},   {67, true, 0},      {68, false, 0},
    {69, true, 140000}, {70, true, 0},   {71, true, 36000},  {72, true, 0},
    {73, true, 42000},  {74, true, 138}, {75, true, 9000},   {76, true, 117},
    {77, true, 0},      {78, true, 194}, {79, true, 104000}, {80, false, 0},
};

#endif
